/** The query part of addresses as everybody writes it: `?kind=operation&tag=a&tag=b`. */

export function parseSearch(text: string): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = {}
  for (const [key, value] of new URLSearchParams(text)) {
    const before = found[key]
    found[key] = before === undefined ? value : [before, value].flat()
  }
  return found
}

export function stringifySearch(search: Record<string, unknown>): string {
  const made = new URLSearchParams()
  for (const [key, value] of Object.entries(search)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== '') made.append(key, String(one))
    }
  }
  const text = made.toString().replaceAll('%2F', '/').replaceAll('%40', '@').replaceAll('%3A', ':')
  return text ? `?${text}` : ''
}
