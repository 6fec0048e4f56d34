/** The change of one file: lines for text, before and after for pictures. */
import { Group, Text } from '@mantine/core'
import { useMemo } from 'react'
import { Diff, Hunk, parseDiff } from 'react-diff-view'
import 'react-diff-view/style/index.css'
import * as forge from '@/api/forge'
import { useProject } from '@/components/project-context'
import { Chip } from '@/components/status-badge'
import { isImage } from '@/lib/paths'

type Props = { file: forge.FileDiff; sha: string; parent: string | null }

export default function FileChange({ file, sha, parent }: Props) {
  const kind = file.new_file ? ['added', 'good'] : file.deleted_file ? ['deleted', 'bad'] : file.renamed_file ? ['renamed', 'wait'] : ['changed', 'idle']
  return (
    <section className="panel" style={{ marginBottom: 14 }} aria-label={file.new_path}>
      <div className="panel-head">
        <Text size="sm" fw={600} className="grow cut">{file.renamed_file ? `${file.old_path} → ${file.new_path}` : file.new_path}</Text>
        <Chip tone={kind[1]}>{kind[0]}</Chip>
      </div>
      {isImage(file.new_path) ? <Pictures file={file} sha={sha} parent={parent} /> : <Lines file={file} />}
    </section>
  )
}

function Lines({ file }: { file: forge.FileDiff }) {
  const parsed = useMemo(() => {
    const head = `diff --git a/${file.old_path} b/${file.new_path}\n--- a/${file.old_path}\n+++ b/${file.new_path}\n`
    try {
      return parseDiff(head + file.diff, { nearbySequences: 'zip' })[0] ?? null
    } catch {
      return null
    }
  }, [file])
  if (file.too_large) return <Text size="sm" c="dimmed" p="md">This change is too large to be shown.</Text>
  if (!file.diff || !parsed || parsed.hunks.length === 0) {
    return <Text size="sm" c="dimmed" p="md">{file.diff?.startsWith('Binary') ? 'A binary file changed.' : 'No lines to show: an empty, binary or only renamed file.'}</Text>
  }
  return (
    <div className="scroll-x">
      <Diff viewType="unified" diffType={parsed.type} hunks={parsed.hunks}>
        {(hunks) => hunks.map((hunk) => <Hunk key={hunk.content} hunk={hunk} />)}
      </Diff>
    </div>
  )
}

function Pictures({ file, sha, parent }: Props) {
  const { project } = useProject()
  return (
    <Group p="md" align="flex-start" gap="xl">
      {!file.new_file && parent && <Side title="Before" source={forge.rawUrl(project.id, file.old_path, parent)} />}
      {!file.deleted_file && <Side title="After" source={forge.rawUrl(project.id, file.new_path, sha)} />}
    </Group>
  )
}

function Side({ title, source }: { title: string; source: string }) {
  return (
    <figure style={{ margin: 0 }}>
      <figcaption><Text size="xs" c="dimmed" mb={4}>{title}</Text></figcaption>
      <img src={source} alt={title} loading="lazy" style={{ maxWidth: 320, maxHeight: 260, border: '1px solid var(--line)', borderRadius: 8 }} />
    </figure>
  )
}
