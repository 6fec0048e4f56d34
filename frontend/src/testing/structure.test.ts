import { expect, test } from 'vitest'

// Every source file as text, by its path below src/.
const sources = import.meta.glob<string>('../**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true })

const area = (path: string) => /(?:^|\/)features\/([^/]+)\//.exec(path)?.[1]
const imports = (text: string) => [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1] ?? '')

test('features never import each other, and shared code imports no feature', () => {
  const wrong: string[] = []
  for (const [path, text] of Object.entries(sources)) {
    if (path.startsWith('../app/')) continue
    for (const target of imports(text)) {
      const other = area(target.replace('@/', ''))
      if ((other && other !== area(path)) || target.startsWith('@/app')) wrong.push(`${path} imports ${target}`)
    }
  }
  expect(wrong).toEqual([])
  expect(Object.keys(sources).length).toBeGreaterThan(80)
})

test('no module grows beyond 300 lines', () => {
  const long = Object.entries(sources).filter(([path, text]) => !path.endsWith('.gen.d.ts') && text.split('\n').length > 300)
  expect(long.map(([path]) => path)).toEqual([])
})
