/** Uploading files or a dropped folder as one commit. */
import { Alert, Button, FileButton, Group, Modal, Progress, Stack, Text, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Upload as UploadIcon } from 'lucide-react'
import { useState } from 'react'
import { FormError } from '@/components/states'
import { useProject } from '@/components/project-context'
import { formatBytes, plural } from '@/lib/format'
import { commitUpload, droppedFiles, type Picked } from './api/upload'

const LIMIT = 100 * 1024 * 1024

export function UploadButton({ branch, path }: { branch: string; path: string }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button variant="default" leftSection={<UploadIcon size={16} />} onClick={() => setOpen(true)}>Upload</Button>
      {open && <UploadDialog branch={branch} path={path} onClose={() => setOpen(false)} />}
    </>
  )
}

function UploadDialog({ branch, path, onClose }: { branch: string; path: string; onClose: () => void }) {
  const { project } = useProject()
  const client = useQueryClient()
  const [files, setFiles] = useState<Picked[]>([])
  const [message, setMessage] = useState('')
  const [over, setOver] = useState(false)
  const [done, setDone] = useState(0)
  const bytes = files.reduce((sum, picked) => sum + picked.file.size, 0)
  const upload = useMutation({
    mutationFn: () => commitUpload({ project: project.id, branch, folder: path, files, message: message || defaultMessage(files), onProgress: setDone }),
    onSuccess: () => {
      for (const key of ['tree', 'branches', 'last-commit', 'commits', 'facts', 'text', 'project']) void client.invalidateQueries({ queryKey: [key] })
      notifications.show({ color: 'green', message: `${plural(files.length, 'file')} committed to ${branch}.` })
      onClose()
    },
  })
  const add = (more: Picked[]) => setFiles((old) => [...old.filter((a) => !more.some((b) => b.path === a.path)), ...more])
  return (
    <Modal opened onClose={onClose} title={`Upload to ${branch}${path ? `, folder ${path}` : ''}`} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <FormError error={upload.error} />
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the button inside serves the keyboard */}
        <section
          className="drop"
          aria-label="Drop files or folders here"
          data-over={over}
          onDragOver={(event) => { event.preventDefault(); setOver(true) }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => { event.preventDefault(); setOver(false); void droppedFiles(event.dataTransfer).then(add) }}
        >
          <Text mb="xs">Drop files or a folder here</Text>
          <FileButton multiple onChange={(picked) => add(picked.map((file) => ({ file, path: file.name })))}>
            {(props) => <Button {...props} variant="light">Choose files</Button>}
          </FileButton>
        </section>
        {files.length > 0 && (
          <Text size="sm">{plural(files.length, 'file')}, {formatBytes(bytes)}: {files.slice(0, 3).map((picked) => picked.path).join(', ')}{files.length > 3 ? ' …' : ''}</Text>
        )}
        {bytes > LIMIT && <Alert color="yellow">More than {formatBytes(LIMIT)} at once is better pushed with git-lfs.</Alert>}
        <TextInput label="Commit message" placeholder={defaultMessage(files)} value={message} onChange={(event) => setMessage(event.currentTarget.value)} />
        {upload.isPending && <Progress value={(done / Math.max(files.length, 1)) * 100} animated aria-label="Upload progress" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button disabled={files.length === 0 || bytes > LIMIT} loading={upload.isPending} onClick={() => upload.mutate()}>Commit</Button>
        </Group>
      </Stack>
    </Modal>
  )
}

function defaultMessage(files: Picked[]): string {
  return files.length === 1 ? `Upload ${files[0]?.path}` : `Upload ${plural(files.length, 'file')}`
}
