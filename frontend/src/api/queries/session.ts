/** Who is logged in. */
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import * as forge from '../forge'
import { ApiError } from '../http'

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: () =>
    forge.getSession().catch((failure: unknown) => {
      if (failure instanceof ApiError && failure.status === 401) return null
      throw failure
    }),
  staleTime: 60_000,
})

export function useSession() {
  return useQuery(sessionQuery)
}

export function useLogout() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: forge.logout,
    onSettled: () => {
      client.clear()
      client.setQueryData(sessionQuery.queryKey, null)
    },
  })
}
