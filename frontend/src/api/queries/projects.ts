/** Projects, branches and trees: what more than one feature reads. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import * as forge from '../forge'
import type { Query } from '../http'

export const projectsQuery = (query: Query) =>
  queryOptions({
    queryKey: ['projects', query],
    queryFn: () => forge.listProjects(query),
    placeholderData: keepPreviousData,
  })

export const projectQuery = (path: string | number) =>
  queryOptions({ queryKey: ['project', path], queryFn: () => forge.getProject(path), staleTime: 15_000 })

export const branchesQuery = (project: number) =>
  queryOptions({ queryKey: ['branches', project], queryFn: () => forge.listBranches(project), staleTime: 10_000 })

export const treeQuery = (project: number, ref: string, path: string) =>
  queryOptions({
    queryKey: ['tree', project, ref, path],
    queryFn: ({ signal }) => forge.listTree(project, ref, path, signal),
    staleTime: 10_000,
  })

export const namespacesQuery = queryOptions({ queryKey: ['namespaces'], queryFn: forge.listNamespaces })
