import { expect, test } from 'vitest'
import { LogLines } from './log'

function lines(...parts: string[]): string[] {
  const log = new LogLines()
  for (const part of parts) log.push(part)
  log.finish()
  return log.lines
}

test('lines may be cut anywhere', () => {
  expect(lines('one\ntw', 'o\nthr', 'ee')).toEqual(['one', 'two', 'three'])
})

test('markup of a program is shown, not obeyed', () => {
  expect(lines('<img src=x onerror=alert(1)>\n')[0]).toBe('&lt;img src=x onerror=alert(1)&gt;')
})

test('colours become classes', () => {
  expect(lines('\u001b[31mred\u001b[0m\n')[0]).toContain('ansi-red-fg')
})

test('section marks and progress bars leave only what was visible last', () => {
  expect(lines('section_start:1:prepare\r\u001b[0K\n', 'section_start:2:x\r\u001b[0KHello\n', '10%\r50%\r100%\n')).toEqual(['Hello', '100%'])
})
