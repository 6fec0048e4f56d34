/** Colours and type: a reef's deep teal, and greys dark enough to read (WCAG AA in both schemes). */
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

const reef: MantineColorsTuple = [
  '#e6f7f7', '#cfeced', '#a0d9db', '#6dc4c8', '#45b2b7', '#1f9aa0', '#0f838a', '#0b6e75', '#085a60', '#04464b',
]

// Mantine's dark greys with a breath of blue: text, dimmed text, borders, inputs, backgrounds.
const dark: MantineColorsTuple = [
  '#d8dee4', '#c1c9d0', '#a9b1ba', '#8f98a1', '#3a444d', '#2d353c', '#20272d', '#14181c', '#10151a', '#0c1013',
]

export const theme = createTheme({
  primaryColor: 'reef',
  colors: { reef, dark },
  primaryShade: { light: 7, dark: 7 },
  defaultRadius: 'md',
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "JetBrains Mono", SFMono-Regular, Menlo, Consolas, monospace',
  headings: { fontWeight: '650' },
  components: {
    Tooltip: { defaultProps: { openDelay: 250, withArrow: true } },
    Table: { defaultProps: { verticalSpacing: 'xs' } },
  },
})

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#55606b',
    '--mantine-color-placeholder': '#6b7680',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-anchor': '#0b6e75',
    '--mantine-color-error': '#c92a2a',
  },
  dark: {
    '--mantine-color-dimmed': '#a9b1ba',
    '--mantine-color-placeholder': '#8f98a1',
    '--mantine-color-body': '#14181c',
    '--mantine-color-anchor': '#6dc4c8',
    '--mantine-color-error': '#ff8787',
  },
})
