/** Made-up data for the stand-in server. */
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString()
const sha = (seed) => Array.from({ length: 40 }, (_, i) => ((seed * 7 + i * 13) % 16).toString(16)).join('')
const digest = (seed) => `sha256:${sha(seed)}${sha(seed + 1).slice(0, 24)}`

export const user = { id: 1, username: 'ada', name: 'Ada Lovelace', email: 'ada@example.org', is_admin: true }
const project = (id, path, topics, more = {}) => ({
  id, name: path.split('/')[1], path: path.split('/')[1], path_with_namespace: path, description: 'Pictures of leaves, labelled by hand',
  visibility: 'public', default_branch: 'main', star_count: id * 3, forks_count: id, topics, http_url_to_repo: `http://localhost:8080/${path}.git`,
  last_activity_at: ago(id * 60), created_at: ago(9000), namespace: { id: 1, full_path: path.split('/')[0], kind: 'group', name: 'demo' },
  permissions: { project_access: { access_level: 50 }, group_access: null }, ...more,
})
export const projects = [
  project(1, 'demo/leaves', ['data-project', 'images']),
  project(2, 'demo/image-augment', ['code-project', 'python'], { description: 'Augmentation of image folders', visibility: 'internal' }),
  project(3, 'demo/classifier', ['code-project'], { description: '', visibility: 'private' }),
  project(4, 'ada/weather', ['data-project', 'table'], { description: 'Daily weather since 1950' }),
]
export const namespaces = [{ id: 1, name: 'demo', full_path: 'demo', kind: 'group' }, { id: 2, name: 'ada', full_path: 'ada', kind: 'user' }]
export const commits = Array.from({ length: 12 }, (_, i) => ({
  id: sha(i), short_id: sha(i).slice(0, 8), title: ['Add 200 pictures of oak', 'Rotate the training images', 'First files'][i % 3], message: 'Add 200 pictures of oak\n\nFrom the walk on Sunday.\n',
  author_name: 'Ada Lovelace', author_email: 'ada@example.org', authored_date: ago(i * 700), committed_date: ago(i * 700), created_at: ago(i * 700), parent_ids: [sha(i + 1)], stats: { additions: 12, deletions: 4, total: 16 },
}))
export const branches = ['main', 'dataset/augment-3', 'feat/crop'].map((name, i) => ({ name, default: i === 0, protected: i === 0, commit: commits[0] }))
export const diffs = [
  { old_path: 'train.py', new_path: 'train.py', new_file: false, renamed_file: false, deleted_file: false, diff: '@@ -1,5 +1,6 @@\n import argparse\n \n-RATE = 0.1\n+RATE = 0.01\n+EPOCHS = 20\n \n def main():\n' },
  { old_path: 'train/oak-1.png', new_path: 'train/oak-1.png', new_file: false, renamed_file: false, deleted_file: false, diff: 'Binary files differ\n' },
  { old_path: 'notes.txt', new_path: 'notes.txt', new_file: true, renamed_file: false, deleted_file: false, diff: '@@ -0,0 +1,2 @@\n+first\n+second\n' },
]
export const members = [{ id: 1, username: 'ada', name: 'Ada Lovelace', access_level: 50, expires_at: null }, { id: 2, username: 'bob', name: 'Bob Stone', access_level: 30, expires_at: '2027-01-01' }]
export const tokens = [{ id: 1, name: 'laptop', scopes: ['api'], active: true, revoked: false, created_at: ago(5000), last_used_at: ago(4), expires_at: '2027-06-01' }]
const entry = (path, type = 'blob') => ({ id: sha(path.length), name: path.split('/').at(-1), type, path, mode: type === 'tree' ? '040000' : '100644' })
export function tree(_, path) {
  if (path === '') return [entry('many', 'tree'), entry('test', 'tree'), entry('train', 'tree'), entry('.gitattributes'), entry('README.md'), entry('labels.csv'), entry('model.h5'), entry('train.py')]
  const count = path === 'many' ? 3000 : 60
  return Array.from({ length: count }, (_, i) => entry(`${path}/oak-${i}.${path === 'many' ? 'txt' : 'png'}`))
}
export function text(path) {
  if (path.endsWith('.md')) return '# Leaves\n\nPictures of **leaves**, sorted by tree.\n\n| tree | count |\n|---|---|\n| oak | 200 |\n| elm | 180 |\n\n```python\nprint("hello")\n```\n\n- [x] labelled\n- [ ] checked\n'
  if (path.endsWith('.csv')) return 'name,width,height,label\n' + Array.from({ length: 2000 }, (_, i) => `oak-${i}.png,${i % 64},${64},"leaf, ${i % 3 ? 'oak' : 'elm'}"`).join('\n')
  if (path.endsWith('.py')) return 'import argparse\n\nparser = argparse.ArgumentParser()\nparser.add_argument("--learning-rate", type=float, default=1e-3)\n\n\ndef main() -> None:\n    """Train."""\n    print("hello")\n'
  if (path.endsWith('.log')) return 'section_start:1:prepare\r\u001b[0KPreparing\n\u001b[32mFetching inputs\u001b[0m 60 files\n' + Array.from({ length: 400 }, (_, i) => `mlreef: epoch=${i} loss=${(1 / (i + 1)).toFixed(4)} accuracy=${(1 - 1 / (i + 2)).toFixed(4)}`).join('\n') + '\n\u001b[31;1mWarning: learning rate is small\u001b[0m\n'
  return path === 'empty' ? '' : 'plain text\n'
}

const parameter = (name, type, more = {}) => ({ name, flag: `--${name.replaceAll('_', '-')}`, type, required: false, default: null, choices: null, min: null, max: null, multiple: false, nargs: null, help: null, unit: null, role: 'value', position: { file: 'train.py', line: 12, column: 5 }, negated_flag: null, ...more })
const parameters = [
  parameter('input_path', 'path', { role: 'input', required: true, help: 'Folder of images' }),
  parameter('output_path', 'path', { role: 'output' }),
  parameter('learning_rate', 'float', { default: 0.001, min: 0, max: 1, help: 'Size of a step' }),
  parameter('epochs', 'integer', { default: 20, required: true, help: 'How often all data is seen' }),
  parameter('optimizer', 'choice', { default: 'adam', choices: ['adam', 'sgd'], help: 'How weights change' }),
  parameter('shuffle', 'boolean', { default: true, help: 'Mix the data in every epoch' }),
  parameter('layers', 'integer', { multiple: true, default: [64, 32], help: 'Width of each layer' }),
  parameter('labels', 'dictionary', { help: 'Names of classes' }),
]
const readme = '# Augment images\n\nTurns, mirrors and shifts pictures, so that a model sees more of them.\n\n## Use\n\n```yaml\nsteps:\n  - processor: demo/image-augment/augment@^1.2\n```\n\n| option | what it does |\n|---|---|\n| `rotate` | turns by up to so many degrees |\n| `flip` | mirrors half of them |\n\nSee [the paper](https://example.org).\n'
const packages = Array.from({ length: 46 }, (_, i) => `${['numpy', 'pillow', 'scipy', 'scikit-learn', 'joblib', 'threadpoolctl', 'pandas', 'python-dateutil', 'matplotlib', 'cycler'][i % 10]}${i > 9 ? `-extra-${i}` : ''}==${1 + (i % 4)}.${i % 13}.${i % 5}`)
const version = (number, seed, more = {}) => ({
  id: `ver_${seed}`, version: number, commit: sha(seed), entry: 'train.py', command: ['python3', '/mlreef/code/train.py'], parameters, image: `localhost:8801/demo/image-augment/augment@${digest(seed)}`, digest: digest(seed), size: 84_300_000, environment: 'scikit-learn',
  base_image: `localhost:8801/mlreef/environments/scikit-learn@${digest(77)}`, packages, published_by: { id: 1, username: 'ada' }, published_at: ago(seed * 1000), status: 'published', status_message: '', replacement: null, lock: 'numpy==2.1.0 --hash=sha256:00', network: 'none',
  attestations: { sbom: digest(31), provenance: digest(32), signature: digest(33) }, changelog: seed === 5 ? '### Added\n\n- `layers`: the width of each layer\n\n### Fixed\n\n- An empty folder is told at once.\n' : '',
  licence: 'Apache-2.0', tags: ['images', 'preprocessing', 'augmentation'], resources: { machine: 'cpu-small', memory: '2GiB', timeout: 3600 }, metrics: { accuracy: { goal: 'maximize', unit: null, help: 'Share of right answers on held-out data' }, loss: { goal: 'minimize', unit: null, help: null } },
  manifest: { name: 'augment', kind: 'operation', reference: { inputs: { input_path: 'reference/input' }, parameters: { epochs: 2 }, metrics: { accuracy: '>= 0.9' }, outputs: { output_path: { files: '>= 1' } } } }, ...more,
})
const versions = [version('1.2.0', 5), version('1.1.0', 9, { status: 'deprecated', status_message: 'Turns pictures the wrong way round when they are taller than wide.', replacement: '1.2.0', status_by: 'ada', status_at: ago(300) }), version('1.0.1', 12), version('1.0.0', 14, { status: 'unpublished', status_message: 'Wrote the label into the picture.', status_by: 'ada', status_at: ago(9000) })]
const processor = (id, slug, kind, title, more = {}) => ({
  id, slug, name: slug.split('/')[2], title, description: 'Learns to tell leaves apart from a folder of labelled pictures, and says how sure it is', kind, project_id: 2, project_path: slug.split('/').slice(0, 2).join('/'), environment: 'scikit-learn', latest: versions[0], versions, usage_count: 14, star_count: 3,
  input_types: ['image'], output_types: ['image'], model_type: 'classification', ml_category: 'supervised', tags: ['images', 'preprocessing'], licence: 'Apache-2.0', framework: 'scikit-learn', readme, verified: true, verified_at: ago(300), visibility: 'public', created_at: ago(500), published_at: ago(200), ...more,
})
const WORDS = ['Augment', 'Crop', 'Denoise', 'Resample', 'Tokenise', 'Encode', 'Forecast', 'Histogram', 'Embed', 'Split']
export const processors = [
  processor('prc_1', 'demo/classifier/train', 'algorithm', 'Leaf classifier', { output_types: ['model'], usage_count: 12_345, star_count: 1204 }),
  processor('prc_2', 'demo/image-augment/augment', 'operation', 'Augment images'),
  processor('prc_3', 'demo/image-augment/crop', 'operation', 'Crop images', { verified: false, latest: versions[1], description: '' }),
  processor('prc_4', 'demo/plots/tsne', 'visualization', 't-SNE', { licence: null, output_types: ['picture', 'table', 'text', 'audio'] }),
  processor('prc_5', 'a-rather-long-group-name/with-a-rather-long-project-name/and-a-very-long-processor-name', 'operation', 'A title that goes on for longer than anybody would want to read it', { licence: '(MIT OR Apache-2.0) AND BSD-3-Clause', input_types: [], output_types: [] }),
  ...Array.from({ length: 60 }, (_, i) => processor(`prc_${i + 10}`, `demo/library/${WORDS[i % 10].toLowerCase()}-${i}`, ['operation', 'algorithm', 'visualization'][i % 3], `${WORDS[i % 10]} ${i}`, { verified: i % 4 === 0, licence: ['MIT', 'Apache-2.0', 'BSD-3-Clause'][i % 3], environment: ['python-3.11', 'pytorch-2'][i % 2], tags: [`tag-${i % 17}`, 'images'], input_types: [['image', 'text', 'table', 'audio'][i % 4]], usage_count: i * 7 })),
]
const VALUES = { kind: (p) => [p.kind], input_type: (p) => p.input_types, output_type: (p) => p.output_types, model_type: (p) => [p.model_type], ml_category: (p) => [p.ml_category], environment: (p) => [p.environment], framework: (p) => [p.framework], licence: (p) => [p.licence], tag: (p) => p.tags, owner: (p) => [p.project_path.split('/')[0]], verified: (p) => [String(p.verified)] }
export function market(query) {
  const found = processors.filter((p) => `${p.title} ${p.slug} ${p.tags}`.toLowerCase().includes((query.get('search') ?? '').toLowerCase()) && Object.entries(VALUES).every(([key, of]) => !query.has(key) || query.getAll(key).some((value) => of(p).includes(value))))
  const facets = Object.fromEntries(Object.entries(VALUES).map(([key, of]) => {
    const counts = new Map()
    for (const p of found) for (const value of of(p)) if (value) counts.set(value, (counts.get(value) ?? 0) + 1)
    return [key, [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count)]
  }))
  const [page, size] = [Number(query.get('page') ?? 1), Number(query.get('per_page') ?? 20)]
  return { items: found.slice((page - 1) * size, page * size), total: found.length, page, per_page: size, facets }
}
export const changes = {
  from: 'ver_9', to: 'ver_5', breaking: true, environment: { before: 'python-3.11', after: 'scikit-learn' },
  parameters: { added: [parameter('layers', 'integer', { default: [64, 32], multiple: true })], removed: [parameter('depth', 'integer')], changed: [{ name: 'learning_rate', field: 'max', before: 10, after: 1, breaking: true }, { name: 'epochs', field: 'default', before: 10, after: 20, breaking: false }] },
  packages: { added: ['pandas==2.2.3'], removed: ['six==1.16.0'], changed: [{ name: 'numpy', before: '1.26.4', after: '2.1.0' }, { name: 'pillow', before: '10.0', after: '11.0' }] },
}
const environment = (name, title, flavour, framework, count, more = {}) => ({ id: name, name, title, image: `localhost:8801/mlreef/environments/${name}@${digest(count)}`, digest: digest(count), framework, flavour, description: `${title} on Debian 12`, packages: packages.slice(0, count), source: { kind: 'debian' }, selectable: true, registered_by: 'root', updated_at: ago(4000), ...more })
export const environments = [
  environment('python-3.11', 'Python 3.11', 'cpu', 'python', 3), environment('scikit-learn', 'scikit-learn', 'cpu', 'scikit-learn', 12), environment('pytorch-2', 'PyTorch 2', 'gpu', 'pytorch', 40),
  environment('r-base', 'R', 'cpu', 'r', 0, { source: { kind: 'image' } }), environment('tensorflow-2', 'TensorFlow 2', 'cpu', 'tensorflow', 0, { image: null, digest: null, selectable: false, registered_by: null }),
]
export const machines = [{ name: 'cpu-small', title: 'Small CPU', cpus: 1, memory_bytes: 2 ** 31, price_per_hour: 0.05 }]
export const inspection = {
  commit: sha(1), entry: 'train.py', parameters: parameters.map((p) => (p.name === 'learning_rate' ? { ...p, max: 0.5 } : p)), framework: 'argparse', requirements: 'requirements.txt', subcommands: [], subcommand: null, errors: [],
  warnings: [{ file: 'train.py', line: 8, column: 1, message: 'The parameter has no help text.', remedy: 'Add help="…" to add_argument.' }],
  manifest: { name: 'augment', kind: 'operation', title: 'Augment images', tags: ['images'], network: 'open', resources: { memory: '2GiB', timeout: 3600 }, parameters: { learning_rate: { max: 0.5, unit: 'per step' } } },
  suggested: { name: 'augment', kind: 'operation', title: 'Augment images', description: 'Turns pictures', environment: 'scikit-learn', tags: ['images'], network: 'open', input_types: ['image'], output_types: ['image'], licence: null, model_type: null, ml_category: null },
}
export const failing = { ...inspection, errors: [{ file: 'train.py', line: 30, column: 5, message: 'the type of --mode is made while the program runs', remedy: 'write type=str, or describe mode in processor.yaml' }] }
const publishing = (id, status, more = {}) => ({ id, status, version: '1.2.0', version_id: null, processor: null, name: 'augment', pipeline_id: 3, job_id: 4, reason: null, errors: [], ref: 'main', commit: sha(2), entry: 'train.py', environment: 'scikit-learn', changelog: '', trigger: 'user', created_by: { id: 1, username: 'ada' }, created_at: ago(2), started_at: ago(1.8), finished_at: null, ...more })
export const publications = [
  publishing('pub_1', 'running'), publishing('pub_2', 'succeeded', { trigger: 'tag', ref: 'v1.1.0', version: '1.1.0', processor: { id: 'prc_2', slug: 'demo/image-augment/augment' }, created_at: ago(3000), started_at: ago(2999.9), finished_at: ago(2999.7) }),
  publishing('pub_3', 'failed', { reason: 'requirements.txt: no version of nump fits "nump>=1"; did you mean numpy?', created_at: ago(3100), finished_at: ago(3099) }), publishing('pub_4', 'succeeded', { trigger: 'republish', version: '1.0.1', created_at: ago(9000) }),
]
export const publication = publications[0]
export const validation = { valid: true, errors: [], plan: [{ step: 'train', cached: true, cache_reason: 'the same image, parameters and data as run #3', machine: 'cpu-small' }] }

const step = (name, status, kind, more = {}) => ({
  id: `stp_${name}_${status}`, name, processor: { slug: `demo/image-augment/${name}`, version: '1.0.0', version_id: 'ver_1', kind }, status, reason: null, message: null, exit_code: null, cached: status === 'cached', cached_from: null,
  cache_key: sha(3), cache_reason: status === 'cached' ? 'Image, command, parameters and inputs are those of run #2.' : null, parameters: { rotate: 10, flip: true }, inputs: { input: { type: 'git', branch: 'main', commit: sha(1), path: 'train' } },
  outputs: ['success', 'cached'].includes(status) ? [{ name: 'output', digest: sha(8), files: 24, bytes: 918_000 }] : [], needs: [], machine: 'cpu-small', ci_job_id: 5, started_at: ago(5), finished_at: null, duration_s: status === 'running' ? null : 12.4, ...more,
})
const run = (number, kind, status, steps, more = {}) => ({
  id: `run_${number}`, number, project_id: 1, project_path: 'demo/leaves', name: { dataops: 'augment-and-crop', experiment: 'leaf-classifier', visualization: 'tsne' }[kind], kind, status, reason: null, created_at: ago(number * 20), started_at: ago(number * 20), finished_at: ['running', 'queued'].includes(status) ? null : ago(number * 20 - 2),
  created_by: { id: 1, username: 'ada' }, definition: { version: 1, name: 'x', kind, steps: [{ name: 'train', processor: 'demo/classifier/train@1.0.0', inputs: { input_path: { branch: 'main', path: 'train' } }, parameters: { epochs: 5 } }] }, steps, dataset: null, ci_pipeline_id: 9, jobs_started: 1, cached_steps: steps.filter((s) => s.cached).length, ...more,
})
export const runs = [
  run(1, 'experiment', 'running', [step('augment', 'cached', 'operation'), step('train', 'running', 'algorithm', { needs: ['augment'] })]),
  run(2, 'dataops', 'success', [step('augment', 'success', 'operation'), step('crop', 'success', 'operation', { needs: ['augment'], inputs: { input: { type: 'step', step: 'augment', output: 'output' } } })], { dataset: { branch: 'dataset/augment-3', commit: sha(4), path: 'augment-and-crop', files: 24, bytes: 918_000 } }),
  run(3, 'experiment', 'failed', [step('train', 'failed', 'algorithm', { reason: 'exit_code', exit_code: 3, message: 'ValueError: no images in the folder' })], { reason: 'step "train" failed: exit code 3' }),
  run(4, 'visualization', 'success', [step('tsne', 'success', 'visualization')]),
]
export function manifest(found) {
  const names = found.kind === 'experiment' ? ['model.pkl', 'metrics.json', 'confusion.png'] : Array.from({ length: 24 }, (_, i) => `img/oak-${i}.png`)
  return names.map((path, i) => ({ path, size: 2000 + i * 100, oid: sha(i), mode: '100644' }))
}
const experiment = (number, rate, accuracy, status = 'success') => ({
  id: `exp_${number}`, number, name: 'leaf-classifier', status, run_id: number === 4 ? 'run_1' : 'run_2', step: number === 4 ? 'train' : 'crop', project_id: 1, processor: { slug: 'demo/classifier/train', version: '1.1.0' }, parameters: { learning_rate: rate, epochs: 20, optimizer: 'adam' },
  metrics: { accuracy: { last: accuracy, min: 0.2, max: accuracy, count: 50 }, loss: { last: 1 - accuracy, min: 0.05, max: 2.1, count: 50 } }, created_at: ago(number * 30), duration_s: 42 + number, created_by: { id: 1, username: 'ada' }, code: { commit: sha(2), image: `x@${digest(2)}` }, data: { commit: sha(1), path: 'train' }, model: { files: 3, bytes: 3_400_000, digest: digest(6) },
})
export const experiments = [experiment(4, 0.01, 0.91, 'running'), experiment(3, 0.001, 0.94), experiment(2, 1e-4, 0.88), experiment(1, 0.1, 0.41)]
export function metrics(id) {
  const seed = Number(id.split('_')[1])
  const steps = Array.from({ length: 50 }, (_, i) => i)
  const curve = (fn) => ({ steps, values: steps.map(fn), times_ms: steps.map((i) => Date.now() - 1000 * (50 - i)) })
  return { keys: { loss: curve((i) => 2 * Math.exp(-i / (6 + seed * 3)) + Math.sin(i * seed) * 0.05 + 0.1), accuracy: curve((i) => 1 - Math.exp(-i / (8 + seed * 2)) - Math.cos(i * seed) * 0.02) } }
}
export const resources = Object.fromEntries(['cpu_percent', 'memory_bytes', 'read_bytes', 'write_bytes'].map((key, n) => [key, { steps: Array(60).fill(0), values: Array.from({ length: 60 }, (_, i) => (n ? (i + 20) * 1e6 * n : 60 + Math.sin(i / 4) * 30)), times_ms: Array.from({ length: 60 }, (_, i) => Date.now() - (60 - i) * 1000) }]))
export const comparison = { experiments: experiments.slice(0, 3), parameters: [{ name: 'learning_rate', values: [0.01, 0.001, 1e-4], differs: true }, { name: 'epochs', values: [20, 20, 20], differs: false }], metrics: [{ name: 'accuracy', values: [0.91, 0.94, 0.88], best: 1 }, { name: 'loss', values: [0.09, 0.06, 0.12], best: 1 }] }
const finished = (run) => ({ run_id: run.id, number: run.number, name: run.name, status: run.status, reason: null, project_id: 1, created_at: run.created_at, finished_at: run.finished_at, created_by: run.created_by, steps: [], inputs: [{ branch: 'main', commit: sha(1), path: 'train' }] })
export const visualizations = [{ ...finished(runs[3]), files: ['tsne.png', 'density.png', 'points.csv'].map((path) => ({ step: 'tsne', output: 'output', path, kind: 'picture', size: 9000, url: '' })) }]
export const datasets = [{ ...finished(runs[1]), dataset: runs[1].dataset }]
export const usage = Array.from({ length: 5 }, (_, i) => ({ job_id: 40 + i, job_name: 'train', user: { username: 'ada' }, project_id: 1, project_path: 'demo/leaves', machine_class: 'cpu-small', outcome: 'success', seconds: 12.3 * (i + 1), started_at: ago(i * 60 + 1), finished_at: ago(i * 60), run_id: 'run_1' }))
