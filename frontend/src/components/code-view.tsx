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

export default function CodeView({ text, path, label }: { text: string; path: string; label?: string }) {
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
    return () => view.destroy()
  }, [text, path, label, dark])
  return <div ref={host} />
}
