/** Markdown of users: no raw HTML, safe links; pictures of the repository through the API. */
import ReactMarkdown, { defaultUrlTransform, type Components } from 'react-markdown'
import remarkGfm from 'remark-gfm'

type Props = { text: string; resolve?: (path: string) => string }

const COMPONENTS: Components = {
  input: ({ checked }) => <input type="checkbox" disabled checked={checked} readOnly aria-label={checked ? 'done' : 'open'} />,
  a: ({ children, href }) => <a href={href} rel="noreferrer nofollow">{children}</a>,
}

export default function Markdown({ text, resolve }: Props) {
  return (
    <div className="markdown">
      <ReactMarkdown
        remarkPlugins={[remarkGfm]}
        skipHtml
        urlTransform={(address, key) => {
          const relative = !/^([a-z][a-z0-9+.-]*:|\/|#)/i.test(address)
          if (key === 'src') return relative && resolve ? resolve(address.replace(/^\.\//, '')) : ''
          return defaultUrlTransform(address)
        }}
        components={COMPONENTS}
      >
        {text}
      </ReactMarkdown>
    </div>
  )
}
