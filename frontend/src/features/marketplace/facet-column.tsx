/** Facets with counts: values to tick, the first few of each, more on demand. */
import { Button, Select, Switch } from '@mantine/core'
import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import type { FacetCount } from '@/api/types'
import { plural } from '@/lib/format'
import { FACETS, shownValues, toggled, type FacetKey, type MarketSearch } from './filters'

type Props = { search: MarketSearch; facets: Record<string, FacetCount[]> | undefined; onChange: (next: MarketSearch) => void }

const STARS = [{ value: '0', label: 'Any number of stars' }, ...[1, 10, 100, 1000].map((count) => ({ value: String(count), label: `At least ${plural(count, 'star')}` }))]
const FIRST = 6
const OPEN = new Set<FacetKey>(['kind', 'input_type', 'output_type', 'model_type', 'tag'])

export function FacetColumn({ search, facets, onChange }: Props) {
  const known = facets ?? {}
  const verified = known.verified?.find((one) => one.value === 'true')?.count
  return (
    <>
      <div style={{ padding: '2px 2px 10px' }}>
        <Switch
          size="sm"
          label={<>Verified only{verified !== undefined && <span className="facet-count"> {verified.toLocaleString('en')}</span>}</>}
          checked={search.verified === true}
          onChange={(event) => onChange({ ...search, verified: event.currentTarget.checked || undefined, page: undefined })}
        />
        <Select
          size="xs"
          mt="sm"
          aria-label="Stars"
          data={STARS}
          value={String(search.min_stars ?? 0)}
          allowDeselect={false}
          onChange={(next) => onChange({ ...search, min_stars: Number(next) || undefined, page: undefined })}
        />
      </div>
      {FACETS.map(({ key, title }) => {
        const values = shownValues(known[key] ?? [], search[key] ?? [])
        return values.length > 0 && <Facet key={key} title={title} values={values} chosen={search[key] ?? []} open={OPEN.has(key)} onToggle={(value) => onChange(toggled(search, key, value))} />
      })}
    </>
  )
}

type FacetProps = { title: string; values: FacetCount[]; chosen: string[]; open: boolean; onToggle: (value: string) => void }

function Facet({ title, values, chosen, open, onToggle }: FacetProps) {
  const [all, setAll] = useState(false)
  const [first] = useState(open || chosen.length > 0)
  const shown = all ? values : values.filter((one, index) => index < FIRST || chosen.includes(one.value))
  const hidden = values.length - shown.length
  return (
    <details open={first}>
      <summary><ChevronRight size={15} aria-hidden />{title}{chosen.length > 0 && <span className="facet-count">{chosen.length} chosen</span>}</summary>
      <fieldset aria-label={title}>
        {shown.map(({ value, count }) => (
          <label key={value} className="facet-row">
            <input type="checkbox" checked={chosen.includes(value)} onChange={() => onToggle(value)} />
            <span className="cut" title={value}>{value}</span>
            <span className="facet-count">{count.toLocaleString('en')}</span>
          </label>
        ))}
        {(hidden > 0 || all) && (
          <Button variant="subtle" size="compact-xs" mt={2} onClick={() => setAll(!all)} aria-expanded={all}>{all ? 'Fewer' : `${hidden} more`}</Button>
        )}
      </fieldset>
    </details>
  )
}
