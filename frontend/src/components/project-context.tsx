/** The project whose pages are shown, and what the person may do in it. */
import { createContext, useContext } from 'react'
import type { Project } from '@/api/forge'
import { splitProjectPath } from '@/lib/paths'

export const LEVELS: { level: number; name: string; note: string }[] = [
  { level: 10, name: 'Guest', note: 'sees that the project exists' },
  { level: 20, name: 'Reporter', note: 'reads files, runs and results' },
  { level: 30, name: 'Developer', note: 'pushes, starts runs and experiments' },
  { level: 40, name: 'Maintainer', note: 'publishes processors, manages members' },
  { level: 50, name: 'Owner', note: 'may delete the project' },
]

export function levelName(level: number): string {
  return LEVELS.findLast((entry) => level >= entry.level)?.name ?? 'None'
}

export type ProjectView = {
  project: Project
  ns: string
  slug: string
  params: { ns: string; slug: string }
  level: number
  branch: string
}

const Context = createContext<ProjectView | null>(null)
export const ProjectProvider = Context.Provider

export function accessLevel(project: Project): number {
  const { project_access: own, group_access: group } = project.permissions ?? {}
  return Math.max(own?.access_level ?? 0, group?.access_level ?? 0)
}

export function viewOf(project: Project): ProjectView {
  const { ns, slug } = splitProjectPath(project.path_with_namespace)
  return { project, ns, slug, params: { ns, slug }, level: accessLevel(project), branch: project.default_branch ?? 'main' }
}

export function useProject(): ProjectView {
  const view = useContext(Context)
  if (!view) throw new Error('This page belongs inside a project.')
  return view
}

export const CODE_TOPIC = 'code-project'
export const DATA_TOPIC = 'data-project'

/** A project that holds the source of processors, as its topics say. */
export function isCode(project: Project): boolean {
  return (project.topics ?? []).includes(CODE_TOPIC)
}
