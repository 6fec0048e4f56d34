/** A small typed client of the GitLab REST API: only what the web application uses. */
import { json, page, send, url, type Query } from './http'

export type User = { id: number; username: string; name: string; email?: string; is_admin?: boolean; avatar_url?: string | null }
export type Visibility = 'private' | 'internal' | 'public'
export type Project = {
  id: number
  name: string
  path: string
  path_with_namespace: string
  description: string | null
  visibility: Visibility
  default_branch: string | null
  empty_repo?: boolean
  star_count: number
  forks_count: number
  topics?: string[]
  http_url_to_repo: string
  ssh_url_to_repo?: string | null
  last_activity_at: string
  created_at: string
  archived?: boolean
  import_status?: string
  namespace: { id: number; full_path: string; kind: string; name: string }
  forked_from_project?: { id: number; path_with_namespace: string } | null
  permissions?: { project_access: { access_level: number } | null; group_access: { access_level: number } | null } | null
}
export type Namespace = { id: number; name: string; full_path: string; kind: 'user' | 'group' }
export type Branch = { name: string; default: boolean; protected: boolean; commit: Commit }
export type Commit = {
  id: string
  short_id: string
  title: string
  message: string
  author_name: string
  author_email: string
  authored_date: string
  committed_date: string
  created_at: string
  parent_ids: string[]
  stats?: { additions: number; deletions: number; total: number }
}
export type FileDiff = {
  old_path: string
  new_path: string
  new_file: boolean
  renamed_file: boolean
  deleted_file: boolean
  diff: string
  too_large?: boolean
}
export type TreeEntry = { id: string; name: string; type: 'tree' | 'blob'; path: string; mode: string }
export type Member = { id: number; username: string; name: string; access_level: number; expires_at: string | null }
export type Token = {
  id: number
  name: string
  scopes: string[]
  active: boolean
  revoked: boolean
  created_at: string
  last_used_at: string | null
  expires_at: string | null
  token?: string
}
export type CommitAction = { action: 'create' | 'update' | 'delete'; file_path: string; content?: string; encoding?: 'text' | 'base64' }

const API = '/api/v4'
const at = (path: string, query?: Query) => url(API + path, query)
const id = (project: number | string) => encodeURIComponent(String(project))

// --- session and account
export const getSession = () =>
  json<{ user: User }>('GET', url('/-/session')).then((body) => body.user)
export const login = (name: string, password: string) =>
  json<{ user: User }>('POST', url('/-/session'), { login: name, password }).then((body) => body.user)
export const logout = () => json<void>('DELETE', url('/-/session'))
export const register = (account: { username: string; name: string; email: string; password: string }) =>
  json<{ user: User }>('POST', url('/-/users'), account)
export const listTokens = () => page<Token>(at('/personal_access_tokens', { per_page: 100, state: 'active' }))
export const createToken = (order: { name: string; scopes: string[]; expires_at?: string }) =>
  json<Token>('POST', url('/-/personal_access_tokens'), order)
export const revokeToken = (token: number) => json<void>('DELETE', at(`/personal_access_tokens/${token}`))

// --- projects and groups
export const listProjects = (query: Query) => page<Project>(at('/projects', query))
export const getProject = (project: number | string) => json<Project>('GET', at(`/projects/${id(project)}`))
export const createProject = (order: {
  name: string
  path?: string
  namespace_id?: number
  visibility: Visibility
  description?: string
  initialize_with_readme: boolean
  topics: string[]
}) => json<Project>('POST', at('/projects'), order)
export const editProject = (project: number, change: Partial<Pick<Project, 'name' | 'description' | 'visibility' | 'topics'>>) =>
  json<Project>('PUT', at(`/projects/${project}`), change)
export const deleteProject = (project: number) => json<unknown>('DELETE', at(`/projects/${project}`))
export const starProject = (project: number, star: boolean) =>
  send('POST', at(`/projects/${project}/${star ? 'star' : 'unstar'}`)).catch((failure) => {
    if ((failure as { status?: number }).status !== 304) throw failure
  })
export const forkProject = (project: number, order: { namespace_id?: number; name?: string; path?: string }) =>
  json<Project>('POST', at(`/projects/${project}/fork`), order)
export const createGroup = (order: { name: string; path: string; visibility: Visibility; description?: string }) =>
  json<{ id: number; full_path: string }>('POST', at('/groups'), order)
export const listNamespaces = () => page<Namespace>(at('/namespaces', { per_page: 100 }))

export const listMembers = (project: number) => page<Member>(at(`/projects/${project}/members/all`, { per_page: 100 }))
export const findUsers = (search: string) => page<User>(at('/users', { search, per_page: 10 }))
export const addMember = (project: number, order: { user_id: number; access_level: number; expires_at?: string }) =>
  json<Member>('POST', at(`/projects/${project}/members`), order)
export const editMember = (project: number, user: number, access_level: number) =>
  json<Member>('PUT', at(`/projects/${project}/members/${user}`), { access_level })
export const removeMember = (project: number, user: number) =>
  json<void>('DELETE', at(`/projects/${project}/members/${user}`))

// --- repository
export const listBranches = (project: number, search = '') =>
  page<Branch>(at(`/projects/${project}/repository/branches`, { search, per_page: 100 }))
export const getBranch = (project: number, name: string) =>
  json<Branch>('GET', at(`/projects/${project}/repository/branches/${encodeURIComponent(name)}`))
export type Tag = { name: string; message: string | null; commit: Commit }
export const listTags = (project: number) => page<Tag>(at(`/projects/${project}/repository/tags`, { per_page: 100 }))
export const listCommits = (project: number, query: Query) =>
  page<Commit>(at(`/projects/${project}/repository/commits`, query))
export const getCommit = (project: number, sha: string) =>
  json<Commit>('GET', at(`/projects/${project}/repository/commits/${encodeURIComponent(sha)}`, { stats: true }))
export const listDiffs = (project: number, sha: string, number: number) =>
  page<FileDiff>(at(`/projects/${project}/repository/commits/${encodeURIComponent(sha)}/diff`, { per_page: 50, page: number }))
export const commitFiles = (
  project: number,
  order: { branch: string; start_branch?: string; commit_message: string; actions: CommitAction[] },
) => json<Commit>('POST', at(`/projects/${project}/repository/commits`), order)

export const rawUrl = (project: number, path: string, ref: string) =>
  at(`/projects/${project}/repository/files/${encodeURIComponent(path)}/raw`, { ref, lfs: true })

const TREE_LIMIT = 20_000

/** A whole folder: follows the pages up to a limit no screen needs more of. */
export async function listTree(project: number, ref: string, path: string, signal?: AbortSignal) {
  const entries: TreeEntry[] = []
  let next: number | null = 1
  while (next !== null && entries.length < TREE_LIMIT) {
    const target = at(`/projects/${project}/repository/tree`, { ref, path, per_page: 100, page: next })
    const found: { items: TreeEntry[]; next: number | null } = await page<TreeEntry>(target, signal)
    entries.push(...found.items)
    next = found.next
  }
  return { entries, complete: next === null }
}

export type FileFacts = { size: number; type: string | null; lfs: boolean }

/** Size and kind of a file without its bytes; an LFS pointer is told by what its raw bytes say. */
export async function getFileFacts(project: number, ref: string, path: string): Promise<FileFacts> {
  const raw = await send('HEAD', rawUrl(project, path, ref))
  const size = Number(raw.headers.get('x-gitlab-size') ?? raw.headers.get('content-length') ?? 0)
  const type = raw.headers.get('content-type')
  const meta = await send('HEAD', at(`/projects/${project}/repository/files/${encodeURIComponent(path)}`, { ref })).catch(() => null)
  const stored = Number(meta?.headers.get('x-gitlab-size') ?? 0)
  const length = Number(raw.headers.get('content-length') ?? size)
  return { size: length || size || stored, type, lfs: stored > 0 && stored < 200 && length > 0 && length !== stored }
}

/** The first bytes of a file as text; previews never load more. */
export async function readText(target: string, limit: number, signal?: AbortSignal): Promise<{ text: string; complete: boolean }> {
  const response = await send('GET', target, undefined, signal)
  const reader = response.body?.getReader()
  if (!reader) return { text: '', complete: true }
  const decoder = new TextDecoder()
  let text = ''
  let read = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { text: text + decoder.decode(), complete: true }
    read += value.byteLength
    text += decoder.decode(value, { stream: true })
    if (read >= limit) {
      await reader.cancel()
      return { text, complete: false }
    }
  }
}
