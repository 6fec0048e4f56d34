/** The map of the application: every address, and the lazily loaded page behind it. */
import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { BASE } from '@/api/http'
import { sessionQuery } from '@/api/queries/session'
import { Failure, Loading, NotFound } from '@/components/states'
import { Elsewhere } from './elsewhere'
import { Narrow, Wide } from './narrow'
import { parseSearch, stringifySearch } from '@/lib/search'
import { readSearch } from '@/features/marketplace/filters'
import { Shell } from './shell'

type Context = { client: QueryClient }

const root = createRootRouteWithContext<Context>()({
  component: Shell,
  notFoundComponent: () => <NotFound />,
})

/** Pages that need a person: others are sent to the login page and come back afterwards. */
async function needsLogin({ context, location }: { context: Context; location: { href: string } }) {
  const user = await context.client.ensureQueryData(sessionQuery)
  if (!user) throw redirect({ to: '/login', search: { next: location.href } })
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
const count = (value: unknown): number | undefined => (Number(value) > 0 ? Number(value) : undefined)

// --- pages without a project
const plain = createRoute({ getParentRoute: () => root, id: 'plain', component: Narrow })
const wide = createRoute({ getParentRoute: () => root, id: 'wide', component: Wide })
const home = createRoute({
  getParentRoute: () => plain,
  path: '/',
  beforeLoad: needsLogin,
  component: lazyRouteComponent(() => import('@/features/dashboard/dashboard-page'), 'DashboardPage'),
})
const login = createRoute({
  getParentRoute: () => plain,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string } => ({ next: text(search.next) }),
  component: lazyRouteComponent(() => import('@/features/auth/login-page'), 'LoginPage'),
})
const register = createRoute({
  getParentRoute: () => plain,
  path: '/register',
  component: lazyRouteComponent(() => import('@/features/auth/register-page'), 'RegisterPage'),
})
const projects = createRoute({
  getParentRoute: () => plain,
  path: '/projects',
  validateSearch: (search: Record<string, unknown>): { tab?: string; search?: string; page?: number; sort?: string } => ({
    tab: text(search.tab),
    search: text(search.search),
    page: count(search.page),
    sort: text(search.sort),
  }),
  component: lazyRouteComponent(() => import('@/features/dashboard/projects-page'), 'ProjectsPage'),
})
const marketplace = createRoute({
  getParentRoute: () => wide,
  path: '/marketplace',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('@/features/marketplace/marketplace-page'), 'MarketplacePage'),
})
const processorSearch = (search: Record<string, unknown>): { version?: string; tab?: string; from?: string } => ({
  version: text(search.version),
  tab: text(search.tab),
  from: text(search.from),
})
const processor = createRoute({
  getParentRoute: () => wide,
  path: '/marketplace/$processorId',
  validateSearch: processorSearch,
  component: lazyRouteComponent(() => import('@/features/processors/processor-page'), 'ProcessorPage'),
})
/** A processor by its name, as people write it: group/project/name. */
const named = createRoute({
  getParentRoute: () => wide,
  path: '/marketplace/$group/$project/$name',
  validateSearch: processorSearch,
  beforeLoad: ({ params, search }) => {
    throw redirect({ to: '/marketplace/$processorId', params: { processorId: `${params.group}/${params.project}/${params.name}` }, search, replace: true })
  },
})
const environments = createRoute({
  getParentRoute: () => wide,
  path: '/environments',
  component: lazyRouteComponent(() => import('@/features/environments/environments-page'), 'EnvironmentsPage'),
})
const tokens = createRoute({
  getParentRoute: () => plain,
  path: '/account/tokens',
  beforeLoad: needsLogin,
  component: lazyRouteComponent(() => import('@/features/account/tokens-page'), 'TokensPage'),
})
const usage = createRoute({
  getParentRoute: () => plain,
  path: '/account/usage',
  validateSearch: (search: Record<string, unknown>): { page?: number; project?: number } => ({ page: count(search.page), project: count(search.project) }),
  beforeLoad: needsLogin,
  component: lazyRouteComponent(() => import('@/features/account/usage-page'), 'UsagePage'),
})

// --- pages of a project
const project = createRoute({
  getParentRoute: () => root,
  path: '/$ns/$slug',
  component: lazyRouteComponent(() => import('@/features/project/project-layout'), 'ProjectLayout'),
})
const files = createRoute({
  getParentRoute: () => project,
  path: '/',
  component: lazyRouteComponent(() => import('@/features/files/overview-page'), 'OverviewPage'),
})
const tree = createRoute({
  getParentRoute: () => project,
  path: '/-/tree/$ref/$',
  validateSearch: (search: Record<string, unknown>): { view?: string } => ({ view: text(search.view) }),
  component: lazyRouteComponent(() => import('@/features/files/tree-page'), 'TreePage'),
})
const blob = createRoute({
  getParentRoute: () => project,
  path: '/-/blob/$ref/$',
  component: lazyRouteComponent(() => import('@/features/files/blob-page'), 'BlobPage'),
})
const commits = createRoute({
  getParentRoute: () => project,
  path: '/-/commits/$ref',
  validateSearch: (search: Record<string, unknown>): { page?: number } => ({ page: count(search.page) }),
  component: lazyRouteComponent(() => import('@/features/commits/commits-page'), 'CommitsPage'),
})
const commit = createRoute({
  getParentRoute: () => project,
  path: '/-/commit/$sha',
  component: lazyRouteComponent(() => import('@/features/commits/commit-page'), 'CommitPage'),
})
const runs = createRoute({
  getParentRoute: () => project,
  path: '/-/runs',
  validateSearch: (search: Record<string, unknown>): { kind?: string; status?: string; page?: number } => ({
    kind: text(search.kind),
    status: text(search.status),
    page: count(search.page),
  }),
  component: lazyRouteComponent(() => import('@/features/runs/runs-page'), 'RunsPage'),
})
const newRun = createRoute({
  getParentRoute: () => project,
  path: '/-/runs/new',
  validateSearch: (search: Record<string, unknown>): { kind?: string; processor?: string; from?: string; branch?: string; path?: string } => ({
    kind: text(search.kind),
    processor: text(search.processor),
    from: text(search.from),
    branch: text(search.branch),
    path: text(search.path),
  }),
  component: lazyRouteComponent(() => import('@/features/run-form/new-run-page'), 'NewRunPage'),
})
const run = createRoute({
  getParentRoute: () => project,
  path: '/-/runs/$runId',
  validateSearch: (search: Record<string, unknown>): { step?: string; tab?: string } => ({ step: text(search.step), tab: text(search.tab) }),
  component: lazyRouteComponent(() => import('@/features/runs/run-page'), 'RunPage'),
})
const experiments = createRoute({
  getParentRoute: () => project,
  path: '/-/experiments',
  validateSearch: (search: Record<string, unknown>): { sort?: string; page?: number } => ({ sort: text(search.sort), page: count(search.page) }),
  component: lazyRouteComponent(() => import('@/features/experiments/experiments-page'), 'ExperimentsPage'),
})
const compare = createRoute({
  getParentRoute: () => project,
  path: '/-/experiments/compare',
  validateSearch: (search: Record<string, unknown>): { ids: string } => ({ ids: text(search.ids) ?? '' }),
  component: lazyRouteComponent(() => import('@/features/experiments/compare-page'), 'ComparePage'),
})
const experiment = createRoute({
  getParentRoute: () => project,
  path: '/-/experiments/$experimentId',
  component: lazyRouteComponent(() => import('@/features/experiments/experiment-page'), 'ExperimentPage'),
})
const datasets = createRoute({
  getParentRoute: () => project,
  path: '/-/datasets',
  validateSearch: (search: Record<string, unknown>): { page?: number } => ({ page: count(search.page) }),
  component: lazyRouteComponent(() => import('@/features/datasets/datasets-page'), 'DatasetsPage'),
})
const dataset = createRoute({
  getParentRoute: () => project,
  path: '/-/datasets/$runId',
  component: lazyRouteComponent(() => import('@/features/datasets/dataset-page'), 'DatasetPage'),
})
const visualizations = createRoute({
  getParentRoute: () => project,
  path: '/-/visualizations',
  validateSearch: (search: Record<string, unknown>): { page?: number } => ({ page: count(search.page) }),
  component: lazyRouteComponent(() => import('@/features/visualizations/visualizations-page'), 'VisualizationsPage'),
})
const projectProcessors = createRoute({
  getParentRoute: () => project,
  path: '/-/processors',
  validateSearch: (search: Record<string, unknown>): { tab?: string; page?: number } => ({ tab: text(search.tab), page: count(search.page) }),
  component: lazyRouteComponent(() => import('@/features/publishing/project-processors-page'), 'ProjectProcessorsPage'),
})
const publication = createRoute({
  getParentRoute: () => project,
  path: '/-/publications/$publicationId',
  component: lazyRouteComponent(() => import('@/features/publishing/publication-page'), 'PublicationPage'),
})
const members = createRoute({
  getParentRoute: () => project,
  path: '/-/members',
  component: lazyRouteComponent(() => import('@/features/project/members-page'), 'MembersPage'),
})
const settings = createRoute({
  getParentRoute: () => project,
  path: '/-/settings',
  component: lazyRouteComponent(() => import('@/features/project/settings-page'), 'SettingsPage'),
})
const elsewhere = createRoute({ getParentRoute: () => root, path: '/$', component: Elsewhere })

const routeTree = root.addChildren([
  plain.addChildren([home, login, register, projects, tokens, usage]),
  wide.addChildren([marketplace, processor, named, environments]),
  project.addChildren([
    files, tree, blob, commits, commit, runs, newRun, run, experiments, compare, experiment, datasets, dataset,
    visualizations, projectProcessors, publication, members, settings,
  ]),
  elsewhere,
])

export function createAppRouter(client: QueryClient) {
  return createRouter({
    routeTree,
    parseSearch,
    stringifySearch,
    basepath: BASE || '/',
    context: { client },
    defaultPreload: 'intent',
    scrollRestoration: true,
    defaultPendingComponent: () => <Loading kind="page" />,
    defaultErrorComponent: ({ error, reset }) => <Failure error={error} retry={reset} />,
    defaultNotFoundComponent: () => <NotFound />,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}
