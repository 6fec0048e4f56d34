/** What a visualization wrote: pictures to look at, and files to open. */
import { outputUrl } from '@/api/management'
import type { ShownFile, VisualizationItem } from '@/api/types'
import type { Picture } from '@/components/image-grid'
import { isImage } from '@/lib/paths'

/** Only pictures that cannot carry scripts are shown in place. */
export function picturesOf(item: VisualizationItem): Picture[] {
  return item.files.filter((file) => isImage(file.path)).map((file) => ({ path: file.path, source: address(item, file, true) }))
}

export function othersOf(item: VisualizationItem): { path: string; source: string }[] {
  return item.files.filter((file) => !isImage(file.path)).map((file) => ({ path: file.path, source: address(item, file, false) }))
}

function address(item: VisualizationItem, file: ShownFile, inline: boolean): string {
  return outputUrl(item.run_id, file.step, file.output, file.path, inline)
}
