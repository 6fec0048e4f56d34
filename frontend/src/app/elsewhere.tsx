/** Addresses with nested groups (a/b/project/-/runs) lead to the page whose group is one segment. */
import { useParams, useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { BASE } from '@/api/http'
import { Loading, NotFound } from '@/components/states'
import { splitProjectPath } from '@/lib/paths'

export function nestedTarget(path: string): string | null {
  const [projectPath = '', rest] = path.split('/-/')
  const { ns, slug } = splitProjectPath(projectPath)
  if (!slug || !ns.includes('/')) return null
  return `/${encodeURIComponent(ns)}/${slug}${rest === undefined ? '' : `/-/${rest}`}`
}

export function Elsewhere() {
  const { _splat: path = '' } = useParams({ strict: false })
  const target = nestedTarget(path)
  const router = useRouter()
  useEffect(() => {
    if (target) router.history.replace(BASE + target)
  }, [router, target])
  return target ? <Loading kind="page" /> : <NotFound />
}
