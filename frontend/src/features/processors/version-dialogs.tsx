/** The dialogs that change a version's standing; each says what will happen before it does. */
import { Alert, Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState, type ReactNode } from 'react'
import * as management from '@/api/management'
import { ApiError } from '@/api/http'
import type { Processor, ProcessorVersion } from '@/api/types'
import { FormError } from '@/components/states'
import { splitProjectPath } from '@/lib/paths'
import { nextVersion } from '@/lib/versions'

type Props = { processor: Processor; version: ProcessorVersion; onClose: () => void }

function useChange(call: () => Promise<unknown>, said: string, onClose: () => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: call,
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['processor'] })
      void client.invalidateQueries({ queryKey: ['processors'] })
      void client.invalidateQueries({ queryKey: ['project-processors'] })
      notifications.show({ color: 'green', message: said })
      onClose()
    },
  })
}

type FrameProps = { title: string; act: string; color?: string; pending: boolean; ready?: boolean; error: unknown; onClose: () => void; onAct: () => void; children: ReactNode }

function Frame({ title, act, color, pending, ready = true, error, onClose, onAct, children }: FrameProps) {
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={(event) => { event.preventDefault(); onAct() }}>
        <Stack>
          {children}
          <FormError error={error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" color={color} loading={pending} disabled={!ready}>{act}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

const fault = (error: unknown, field: string) => (error instanceof ApiError ? error.details.find((detail) => detail.field === field)?.message : undefined)

export function DeprecateDialog({ processor, version, onClose }: Props) {
  const [message, setMessage] = useState('')
  const [replacement, setReplacement] = useState('')
  const change = useChange(() => management.deprecate(version.id, { message: message.trim(), ...(replacement.trim() ? { replacement: replacement.trim() } : {}) }), `Version ${version.version} is deprecated.`, onClose)
  return (
    <Frame title={`Deprecate ${processor.name} ${version.version}`} act="Deprecate" pending={change.isPending} ready={message.trim() !== ''} error={change.error} onClose={onClose} onAct={() => change.mutate()}>
      <Text size="sm">It can still be used; whoever chooses it is warned, and ranges take another version where there is one.</Text>
      <Textarea label="Why" description="Shown to everybody who uses this version" required autosize minRows={2} data-autofocus value={message} error={fault(change.error, 'message')} onChange={(event) => setMessage(event.currentTarget.value)} />
      <TextInput label="What to use instead" description="Optional: a version of this processor, or the name of another one" placeholder={nextVersion(version.version, 'feature') ?? undefined} value={replacement} error={fault(change.error, 'replacement')} onChange={(event) => setReplacement(event.currentTarget.value)} />
    </Frame>
  )
}

export function UndeprecateDialog({ processor, version, onClose }: Props) {
  const change = useChange(() => management.undeprecate(version.id), `Version ${version.version} is no longer deprecated.`, onClose)
  return (
    <Frame title={`Take back the deprecation of ${processor.name} ${version.version}`} act="Take back" pending={change.isPending} error={change.error} onClose={onClose} onAct={() => change.mutate()}>
      <Text size="sm">Nobody is warned any more.</Text>
    </Frame>
  )
}

export function UnpublishDialog({ processor, version, onClose }: Props) {
  const [reason, setReason] = useState('')
  const change = useChange(() => management.unpublish(version.id, { reason: reason.trim() }), `Version ${version.version} is unpublished.`, onClose)
  return (
    <Frame title={`Unpublish ${processor.name} ${version.version}`} act="Unpublish" color="red" pending={change.isPending} ready={reason.trim() !== ''} error={change.error} onClose={onClose} onAct={() => change.mutate()}>
      <Alert color="yellow" title="What happens">
        <ul className="plain-list">
          <li>Nobody can choose this version for a new run, and ranges never take it.</li>
          <li>Its image is kept: runs that used it can be repeated exactly, and their results stay.</li>
          <li>Its number stays taken. To bring it back, republish it under a new one.</li>
        </ul>
      </Alert>
      <Textarea label="Reason" description="Shown wherever this version was used" required autosize minRows={2} data-autofocus value={reason} error={fault(change.error, 'reason')} onChange={(event) => setReason(event.currentTarget.value)} />
    </Frame>
  )
}

export function RepublishDialog({ processor, version, onClose }: Props) {
  const navigate = useNavigate()
  const [number, setNumber] = useState('')
  const change = useMutation({
    mutationFn: () => management.republish(version.id, number.trim() ? { version: number.trim() } : {}),
    onSuccess: (publication) => void navigate({ to: '/$ns/$slug/-/publications/$publicationId', params: { ...splitProjectPath(processor.project_path), publicationId: publication.id } }),
  })
  return (
    <Frame title={`Republish ${processor.name} ${version.version}`} act="Republish" pending={change.isPending} error={change.error} onClose={onClose} onAct={() => change.mutate()}>
      <Text size="sm">The same commit is built again, on the newest image of its environment, as a new version. Version {version.version} stays as it is.</Text>
      <TextInput label="New version" description="Empty: the next one" placeholder="1.0.0" data-autofocus value={number} error={fault(change.error, 'version')} onChange={(event) => setNumber(event.currentTarget.value)} />
    </Frame>
  )
}
