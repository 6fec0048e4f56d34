import { expect, test } from 'vitest'
import { crumbs, fileKind, findReadme, isLfsPointer, joinPath, parentPath, slugify, splitProjectPath } from './paths'

test('paths are joined and taken apart without double slashes', () => {
  expect(joinPath('', 'a/', '/b', 'c.png')).toBe('a/b/c.png')
  expect(parentPath('a/b/c.png')).toBe('a/b')
  expect(parentPath('c.png')).toBe('')
  expect(crumbs('a/b')).toEqual([{ name: 'a', path: 'a' }, { name: 'b', path: 'a/b' }])
})

test('a nested group is one namespace', () => {
  expect(splitProjectPath('a/b/project')).toEqual({ ns: 'a/b', slug: 'project' })
})

test('files are known by their names', () => {
  expect(['x.PNG', 'x.csv', 'README.md', 'x.py', 'x.pkl', 'Makefile', '.gitignore', 'x.svg', 'x.wav'].map(fileKind))
    .toEqual(['image', 'table', 'markdown', 'code', 'binary', 'text', 'text', 'text', 'audio'])
})

test('SVG is never shown as a picture of the page', () => {
  expect(fileKind('evil.svg')).toBe('text')
})

test('a README in Markdown goes before others', () => {
  expect(findReadme(['a.txt', 'readme.txt', 'ReadMe.md'])).toBe('ReadMe.md')
  expect(findReadme(['a.txt'])).toBeNull()
})

test('names become addresses', () => {
  expect(slugify('  Blätter & Bäume 2! ')).toBe('bla-tter-ba-ume-2')
  expect(isLfsPointer('version https://git-lfs.github.com/spec/v1\noid sha256:00')).toBe(true)
})
