/** The states every page owes: loading, empty, failed with a way on, not found, not allowed. */
import { Alert, Button, Center, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { CircleAlert, FileQuestion, Inbox, Lock } from 'lucide-react'
import type { ReactNode } from 'react'
import { ApiError } from '@/api/http'

export type SkeletonKind = 'rows' | 'cards' | 'page' | 'form'

export function Loading({ kind = 'rows' }: { kind?: SkeletonKind }) {
  if (kind === 'cards') {
    return (
      <div className="card-grid" aria-busy="true" aria-label="Loading">
        {Array.from({ length: 6 }, (_, index) => <Skeleton key={index} height={132} radius="md" />)}
      </div>
    )
  }
  const count = kind === 'rows' ? 8 : 5
  return (
    <Stack gap="sm" aria-busy="true" aria-label="Loading">
      {kind === 'page' && <Skeleton height={32} width="40%" />}
      {Array.from({ length: count }, (_, index) => <Skeleton key={index} height={kind === 'form' ? 44 : 34} radius="sm" />)}
    </Stack>
  )
}

type PlaceProps = { icon: ReactNode; title: string; order?: 1 | 2; children?: ReactNode; action?: ReactNode }

function Place({ icon, title, order = 2, children, action }: PlaceProps) {
  return (
    <Center py={56} px="md">
      <Stack align="center" gap="sm" maw={520} ta="center">
        <ThemeIcon variant="light" color="gray" size={52} radius="xl">{icon}</ThemeIcon>
        <Title order={order} size="h4">{title}</Title>
        {children && <Text c="dimmed" size="sm" component="div">{children}</Text>}
        {action}
      </Stack>
    </Center>
  )
}

export function Empty({ title, children, action, icon }: { title: string; children?: ReactNode; action?: ReactNode; icon?: ReactNode }) {
  return <Place icon={icon ?? <Inbox size={26} />} title={title} action={action}>{children}</Place>
}

export function NotFound({ what = 'This page' }: { what?: string }) {
  return (
    <Place icon={<FileQuestion size={26} />} title="Not found" order={1}>
      {what} does not exist, or you may not see it. If it is private, log in with an account that has access.
    </Place>
  )
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  if (error instanceof ApiError && error.status === 404) return <NotFound />
  if (error instanceof ApiError && (error.status === 403 || error.status === 401)) {
    return <Place icon={<Lock size={26} />} title="No permission">{error.message}</Place>
  }
  return (
    <Place
      icon={<CircleAlert size={26} />}
      title="This could not be loaded"
      action={retry && <Button variant="default" onClick={retry}>Try again</Button>}
    >
      {messageOf(error)}
    </Place>
  )
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** An error beside the form it belongs to. */
export function FormError({ error }: { error: unknown }) {
  if (!error) return null
  return (
    <Alert color="red" icon={<CircleAlert size={18} />} role="alert" title={messageOf(error)}>
      {error instanceof ApiError && error.details.length > 0 && (
        <ul className="plain-list">
          {error.details.map((detail, index) => <li key={index}>{detail.field ? `${detail.field}: ` : ''}{detail.message}</li>)}
        </ul>
      )}
    </Alert>
  )
}

type QueryViewProps<T> = {
  query: UseQueryResult<T>
  skeleton?: SkeletonKind
  isEmpty?: (data: T) => boolean
  empty?: ReactNode
  children: (data: T) => ReactNode
}

/** One place that decides which state a page is in. */
export function QueryView<T>({ query, skeleton, isEmpty, empty, children }: QueryViewProps<T>) {
  if (query.isPending) return <Loading kind={skeleton} />
  if (query.isError && query.data === undefined) return <Failure error={query.error} retry={() => void query.refetch()} />
  const data = query.data as T
  return <>{isEmpty?.(data) && empty ? empty : children(data)}</>
}
