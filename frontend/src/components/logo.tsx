/** The mark and the name. */
import { Group, Text } from '@mantine/core'

export function Logo({ size = 26 }: { size?: number }) {
  return (
    <Group gap={8} wrap="nowrap">
      <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden>
        <rect width="32" height="32" rx="8" fill="#0b6e75" />
        <path d="M7 24V13m0 4c4 0 4-6 4-6m-4 9c5 0 6-3 6-5m3 9V8m0 8c4 0 5-4 5-7m-5 11c6 0 9-3 9-8" fill="none" stroke="#fff" strokeWidth="2.4" strokeLinecap="round" />
      </svg>
      <Text fw={700} size="lg" component="span">MLReef</Text>
    </Group>
  )
}
