/** The first page of a project: the files of its default branch and its README. */
import { Code, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { FolderGit2 } from 'lucide-react'
import { branchesQuery } from '@/api/queries/projects'
import { useProject } from '@/components/project-context'
import { Empty, QueryView } from '@/components/states'
import { Folder } from './folder'
import { UploadButton } from './upload'

export function OverviewPage() {
  const { project, branch, level } = useProject()
  const branches = useQuery(branchesQuery(project.id))
  return (
    <QueryView
      query={branches}
      isEmpty={(found) => found.items.length === 0}
      empty={
        <Empty title="This repository is empty" icon={<FolderGit2 size={26} />} action={level >= 30 && <UploadButton branch={branch} path="" />}>
          <Stack gap={6} align="center">
            <Text size="sm">Push files with git (and git-lfs for large ones), or upload them here.</Text>
            <Code block ta="left">{`git clone ${project.http_url_to_repo}\ncd ${project.path}\ngit lfs track "*.png"\ngit add . && git commit -m "First data"\ngit push origin ${branch}`}</Code>
          </Stack>
        </Empty>
      }
    >
      {(found) => {
        const known = found.items.find((entry) => entry.name === branch) ?? found.items.find((entry) => entry.default) ?? found.items[0]
        return <Folder refName={known?.name ?? branch} path="" />
      }}
    </QueryView>
  )
}
