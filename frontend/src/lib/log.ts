/** A job's log as lines: terminal colours kept, GitLab's section marks and carriage returns taken out. */
import { AnsiUp } from 'ansi_up'

// oxlint-disable-next-line no-control-regex
const SECTION = /section_(?:start|end):\d+:[^\r\n]*(?:\r\u001b\[0K|\r)?/g

export class LogLines {
  private readonly ansi = new AnsiUp()
  private rest = ''
  readonly lines: string[] = []

  constructor() {
    this.ansi.escape_html = true
    this.ansi.use_classes = true
    this.ansi.url_allowlist = {}
  }

  /** Text as it arrives, cut anywhere; a line is shown when it is whole. */
  push(text: string): void {
    const parts = (this.rest + text).split('\n')
    this.rest = parts.pop() ?? ''
    for (const part of parts) this.add(part)
  }

  /** The last line of a finished log may have no line end. */
  finish(): void {
    if (this.rest) this.add(this.rest)
    this.rest = ''
  }

  private add(line: string): void {
    const marked = SECTION.test(line)
    const clean = line.replace(SECTION, '').replace(/\r$/, '')
    // oxlint-disable-next-line no-control-regex
    const visible = clean.slice(clean.lastIndexOf('\r') + 1).replace(/\u001b\[0?K/g, '')
    SECTION.lastIndex = 0
    if (marked && visible.trim() === '') return
    this.lines.push(this.ansi.ansi_to_html(visible))
  }
}
