/** Names and kinds of files inside a repository or an output tree. */

export function joinPath(...parts: string[]): string {
  return parts.flatMap((part) => part.split('/')).filter(Boolean).join('/')
}

export function parentPath(path: string): string {
  return path.split('/').slice(0, -1).join('/')
}

export function baseName(path: string): string {
  return path.split('/').at(-1) ?? path
}

export function extension(path: string): string {
  const name = baseName(path)
  const dot = name.lastIndexOf('.')
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : ''
}

/** Every folder on the way: 'a/b/c' gives a, a/b, a/b/c. */
export function crumbs(path: string): { name: string; path: string }[] {
  const parts = path.split('/').filter(Boolean)
  return parts.map((name, index) => ({ name, path: parts.slice(0, index + 1).join('/') }))
}

export type FileKind = 'image' | 'table' | 'markdown' | 'audio' | 'code' | 'text' | 'binary'

const IMAGES = new Set(['png', 'jpg', 'jpeg', 'gif', 'webp', 'bmp', 'avif', 'ico'])
const AUDIO = new Set(['wav', 'mp3', 'ogg', 'flac', 'm4a'])
const CODE = new Set(['py', 'json', 'yml', 'yaml', 'ipynb'])
const TEXT = new Set(['txt', 'log', 'cfg', 'ini', 'toml', 'sh', 'js', 'ts', 'css', 'html', 'xml', 'svg', 'c', 'h', 'cpp', 'java', 'go', 'rs', 'r', 'sql', 'rst', 'env', 'gitignore', 'gitattributes'])
const BINARY = new Set(['zip', 'gz', 'tar', 'bz2', 'xz', '7z', 'pkl', 'npy', 'npz', 'h5', 'hdf5', 'keras', 'pt', 'pth', 'onnx', 'parquet', 'pdf', 'bin', 'so', 'exe', 'joblib', 'safetensors', 'mp4', 'mov', 'avi', 'tif', 'tiff', 'pyc'])

export function fileKind(path: string): FileKind {
  const kind = extension(path)
  if (IMAGES.has(kind)) return 'image'
  if (kind === 'csv' || kind === 'tsv') return 'table'
  if (kind === 'md' || kind === 'markdown') return 'markdown'
  if (AUDIO.has(kind)) return 'audio'
  if (CODE.has(kind)) return 'code'
  if (BINARY.has(kind)) return 'binary'
  if (TEXT.has(kind) || kind === '' || baseName(path).startsWith('.')) return 'text'
  return 'text'
}

export function isImage(path: string): boolean {
  return fileKind(path) === 'image'
}

/** The file shown below a folder, as people expect: README.md before README.txt before README. */
export function findReadme(names: string[]): string | null {
  const order = ['readme.md', 'readme.markdown', 'readme.rst', 'readme.txt', 'readme']
  for (const wanted of order) {
    const found = names.find((name) => name.toLowerCase() === wanted)
    if (found) return found
  }
  return null
}

export function isLfsPointer(text: string): boolean {
  return text.startsWith('version https://git-lfs.github.com/spec/')
}

/** A project's address in this application: a namespace may itself hold slashes. */
export function splitProjectPath(path: string): { ns: string; slug: string } {
  const parts = path.split('/')
  return { ns: parts.slice(0, -1).join('/'), slug: parts.at(-1) ?? '' }
}

export function slugify(name: string): string {
  return name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[-._]+|[-._]+$/g, '')
}
