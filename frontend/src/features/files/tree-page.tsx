/** A folder at its own address. */
import { useParams } from '@tanstack/react-router'
import { Folder } from './folder'

export function TreePage() {
  const { ref, _splat: path = '' } = useParams({ from: '/$ns/$slug/-/tree/$ref/$' })
  return <Folder key={`${ref}:${path}`} refName={ref} path={path} />
}
