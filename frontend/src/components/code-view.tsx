/** Source code, read-only, with line numbers and search (CodeMirror; loaded when first needed). */
import { useComputedColorScheme } from '@mantine/core'
import { json } from '@codemirror/lang-json'
import { python } from '@codemirror/lang-python'
import { yaml } from '@codemirror/lang-yaml'
import { EditorState, type Extension } from '@codemirror/state'
import { oneDark } from '@codemirror/theme-one-dark'
import { EditorView } from '@codemirror/view'
import { basicSetup } from 'codemirror'
import { useEffect, useRef } from 'react'
import { extension } from '@/lib/paths'

const LANGUAGES: Record<string, () => Extension> = { py: python, json, ipynb: json, yml: yaml, yaml }

type Props = { text: string; path: string; label?: string; line?: number }

export default function CodeView({ text, path, label, line }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const dark = useComputedColorScheme('light') === 'dark'
  useEffect(() => {
    const language = LANGUAGES[extension(path)]
    const view = new EditorView({
      parent: host.current as HTMLDivElement,
      state: EditorState.create({
        doc: text,
        extensions: [
          basicSetup,
          EditorState.readOnly.of(true),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label ?? `Contents of ${path}`, tabindex: '0' }),
          ...(language ? [language()] : []),
          ...(dark ? [oneDark] : []),
        ],
      }),
    })
    if (line && line <= view.state.doc.lines) {
      const at = view.state.doc.line(line).from
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) })
      // The editor has no height of its own: it is the page that scrolls.
      requestAnimationFrame(() => host.current?.querySelector('.cm-activeLine')?.scrollIntoView({ block: 'center' }))
    }
    return () => view.destroy()
  }, [text, path, label, line, dark])
  return <div ref={host} />
}
