/** One parameter as the field that fits its type. */
import { Select, Switch, TagsInput, Textarea, TextInput } from '@mantine/core'
import type { Parameter } from '@/api/types'
import { isList, rangeHint, type Raw } from '@/lib/parameters'

type Props = { parameter: Parameter; value: Raw; error?: string; onChange: (value: Raw) => void }

export function ParameterField({ parameter, value, error, onChange }: Props) {
  const hints = [parameter.help, rangeHint(parameter), parameter.unit].filter(Boolean).join(' · ')
  const shared = {
    label: parameter.name,
    description: hints || undefined,
    required: parameter.required && parameter.type !== 'boolean',
    error,
  }
  if (isList(parameter)) {
    return <TagsInput {...shared} value={Array.isArray(value) ? value : []} onChange={onChange} placeholder="Type a value and press Enter" acceptValueOnBlur data={parameter.choices?.map(String) ?? []} allowDuplicates />
  }
  if (parameter.type === 'boolean') {
    return <Switch {...shared} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} mt={6} />
  }
  const text = typeof value === 'string' ? value : ''
  if (parameter.type === 'choice' || parameter.choices) {
    return <Select {...shared} data={parameter.choices?.map(String) ?? []} value={text || null} onChange={(next) => onChange(next ?? '')} clearable={!parameter.required} allowDeselect={!parameter.required} />
  }
  if (parameter.type === 'dictionary') {
    return <Textarea {...shared} autosize minRows={2} value={text} onChange={(event) => onChange(event.currentTarget.value)} placeholder={'key=value\nor {"key": "value"}'} styles={{ input: { fontFamily: 'var(--mono)' } }} />
  }
  const numeric = parameter.type === 'integer' || parameter.type === 'float'
  return (
    <TextInput
      {...shared}
      value={text}
      placeholder={parameter.default === null || parameter.default === undefined ? undefined : String(parameter.default)}
      onChange={(event) => onChange(event.currentTarget.value)}
      inputMode={numeric ? 'text' : undefined}
      styles={numeric ? { input: { fontFamily: 'var(--mono)' } } : undefined}
    />
  )
}
