/** Who is logged in. */
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import * as forge from '../forge'
import { ApiError, cookie } from '../http'

async function whoAmI(): Promise<forge.User | null> {
  // The readable cookie comes with every session: without it nobody is logged in, and nothing need be asked.
  if (cookie('mlreef_csrf') === null) return null
  try {
    return await forge.getSession()
  } catch (failure) {
    if (failure instanceof ApiError && failure.status === 401) return null
    throw failure
  }
}

export const sessionQuery = queryOptions({ queryKey: ['session'], queryFn: whoAmI, staleTime: 60_000 })

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
