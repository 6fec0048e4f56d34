/** Where an experiment came from: code, image, data; enough to make it again. */
import { Text } from '@mantine/core'
import type { Experiment, Step } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { useProject } from '@/components/project-context'
import { Fact, Id } from '@/components/small'
import { formatBytes, plural } from '@/lib/format'

export function Lineage({ experiment, step }: { experiment: Experiment; step: Step | undefined }) {
  const { params } = useProject()
  const code = experiment.code ?? {}
  const commit = text(code.commit) ?? text(code.processor_commit)
  const image = text(code.image) ?? text(code.digest) ?? text((step?.processor as { image?: string } | undefined)?.image)
  const processor = typeof experiment.processor === 'string' ? experiment.processor : `${experiment.processor.slug}@${experiment.processor.version}`
  const { data } = experiment
  return (
    <section className="panel" aria-label="Lineage">
      <div className="panel-head"><Text fw={600} size="sm">Lineage</Text></div>
      <dl className="facts panel-body">
        <Fact name="Processor">{processor}</Fact>
        <Fact name="Code commit"><Id value={commit} /></Fact>
        <Fact name="Image digest"><Id value={image?.includes('@') ? image.split('@').at(-1) : image} /></Fact>
        <Fact name="Data">
          {data?.commit
            ? <><LinkAnchor size="sm" to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: data.commit, _splat: data.path ?? '' }}>/{data.path ?? ''}</LinkAnchor> at <Id value={data.commit} /></>
            : '–'}
        </Fact>
        <Fact name="Model">{experiment.model ? <>{plural(experiment.model.files, 'file')}, {formatBytes(experiment.model.bytes)}<br /><Id value={experiment.model.digest} /></> : '–'}</Fact>
      </dl>
    </section>
  )
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value ? value : undefined
}
