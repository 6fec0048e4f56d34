/** Where one can go inside a project. */
import { ChartSpline, Cpu, Database, Files, FlaskConical, History, Settings, Users, Workflow } from 'lucide-react'
import { LinkNav } from '@/components/links'
import { isCode, useProject } from '@/components/project-context'

export function ProjectNav() {
  const { project, params, branch, level } = useProject()
  return (
    <nav className="project-nav" aria-label="Project">
      <div className="nav-section">Project</div>
      <LinkNav to="/$ns/$slug" params={params} activeOptions={{ exact: true }} label="Files" leftSection={<Files size={17} />} />
      <LinkNav to="/$ns/$slug/-/commits/$ref" params={{ ...params, ref: branch }} label="Commits" leftSection={<History size={17} />} />
      <div className="nav-section">Work</div>
      <LinkNav to="/$ns/$slug/-/experiments" params={params} label="Experiments" leftSection={<FlaskConical size={17} />} />
      <LinkNav to="/$ns/$slug/-/runs" params={params} label="Pipelines" leftSection={<Workflow size={17} />} />
      <LinkNav to="/$ns/$slug/-/datasets" params={params} label="Datasets" leftSection={<Database size={17} />} />
      <LinkNav to="/$ns/$slug/-/visualizations" params={params} label="Visualizations" leftSection={<ChartSpline size={17} />} />
      {(isCode(project) || level >= 40) && (
        <LinkNav to="/$ns/$slug/-/processors" params={params} label="Processors" leftSection={<Cpu size={17} />} />
      )}
      <div className="nav-section">Manage</div>
      <LinkNav to="/$ns/$slug/-/members" params={params} label="Members" leftSection={<Users size={17} />} />
      {level >= 40 && <LinkNav to="/$ns/$slug/-/settings" params={params} label="Settings" leftSection={<Settings size={17} />} />}
    </nav>
  )
}
