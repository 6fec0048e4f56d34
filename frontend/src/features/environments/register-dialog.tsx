/** Administrators make an image selectable under a name, or take it away again. */
import { Button, Code, Group, Modal, Select, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError } from '@/api/http'
import * as management from '@/api/management'
import type { Environment } from '@/api/types'
import { FormError } from '@/components/states'

const EMPTY = { name: '', image: '', title: '', description: '', framework: '', flavour: 'cpu' }

export function RegisterDialog({ of, onClose }: { of: Environment | null; onClose: () => void }) {
  const client = useQueryClient()
  const [order, setOrder] = useState(of ? { name: of.name, image: of.image ?? '', title: of.title, description: of.description ?? '', framework: of.framework ?? '', flavour: of.flavour ?? 'cpu' } : EMPTY)
  const set = (change: Partial<typeof EMPTY>) => setOrder((old) => ({ ...old, ...change }))
  const register = useMutation({
    mutationFn: () => management.registerEnvironment({
      name: order.name.trim(), image: order.image.trim(), title: order.title || null, description: order.description || null,
      framework: order.framework || null, flavour: order.flavour === 'gpu' ? 'gpu' : 'cpu',
    }),
    onSuccess: () => { void client.invalidateQueries({ queryKey: ['environments'] }); onClose() },
  })
  const fault = (field: string) => (register.error instanceof ApiError ? register.error.details.find((detail) => detail.field === field)?.message : undefined)
  return (
    <Modal opened onClose={onClose} title={of ? `Another image for ${of.name}` : 'Register an image'} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={(event) => { event.preventDefault(); register.mutate() }}>
        <Stack>
          <Text size="sm">An image of this server’s registry, named by its digest. An image from elsewhere is copied here, registered and signed by <Code>mlreef environment add NAME --image REFERENCE</Code>. Versions that are published already keep the image they were built on.</Text>
          <FormError error={register.error} />
          <TextInput label="Image" required data-autofocus placeholder={`${window.location.host}/group/project/image@sha256:…`} value={order.image} error={fault('image')} onChange={(event) => set({ image: event.currentTarget.value })} />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput label="Name" description="How processor.yaml names it" required disabled={of !== null} placeholder="pytorch-2" value={order.name} error={fault('name')} onChange={(event) => set({ name: event.currentTarget.value })} />
            <TextInput label="Title" description="How people see it" placeholder="PyTorch 2" value={order.title} error={fault('title')} onChange={(event) => set({ title: event.currentTarget.value })} />
            <TextInput label="Framework" placeholder="pytorch" value={order.framework} error={fault('framework')} onChange={(event) => set({ framework: event.currentTarget.value })} />
            <Select label="Flavour" allowDeselect={false} data={[{ value: 'cpu', label: 'CPU' }, { value: 'gpu', label: 'GPU' }]} value={order.flavour} onChange={(next) => set({ flavour: next ?? 'cpu' })} />
          </SimpleGrid>
          <Textarea label="Description" autosize minRows={2} value={order.description} error={fault('description')} onChange={(event) => set({ description: event.currentTarget.value })} />
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={register.isPending} disabled={!order.name.trim() || !order.image.trim()}>Register</Button></Group>
        </Stack>
      </form>
    </Modal>
  )
}

export function RemoveButton({ name }: { name: string }) {
  const client = useQueryClient()
  const [open, setOpen] = useState(false)
  const remove = useMutation({
    mutationFn: () => management.removeEnvironment(name),
    onSuccess: () => { void client.invalidateQueries({ queryKey: ['environments'] }); setOpen(false) },
  })
  return (
    <>
      <Button variant="default" size="compact-sm" onClick={() => setOpen(true)}>Remove</Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={`Remove ${name}`} closeButtonProps={{ 'aria-label': 'Close' }}>
        <Stack>
          <Text size="sm">Nobody can build on it any more. Versions that were built on it keep their image and go on working.</Text>
          <FormError error={remove.error} />
          <Group justify="flex-end"><Button variant="default" onClick={() => setOpen(false)}>Cancel</Button><Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>Remove</Button></Group>
        </Stack>
      </Modal>
    </>
  )
}
