import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

// cssTarget keeps light-dark() as it is: rewritten, it would use variables that Mantine does not set.
export default defineConfig({
  plugins: [react()],
  base: './',
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: process.env.MLREEF_WEB_OUT ?? 'dist',
    emptyOutDir: true,
    sourcemap: false,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/-/', '/v2', '/oauth'].map((path) => [path, process.env.MLREEF_URL ?? 'http://127.0.0.1:8800']),
    ),
  },
  // @ts-ignore the test section belongs to Vitest
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
})
