/** Logging in with a password; afterwards back to where the person wanted to go. */
import { Button, Card, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import * as forge from '@/api/forge'
import { sessionQuery } from '@/api/queries/session'
import { LinkAnchor } from '@/components/links'
import { Logo } from '@/components/logo'
import { FormError } from '@/components/states'

export function LoginPage() {
  const client = useQueryClient()
  const router = useRouter()
  const { next } = useSearch({ strict: false })
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const login = useMutation({
    mutationFn: () => forge.login(name, password),
    onSuccess: (user) => {
      client.clear()
      client.setQueryData(sessionQuery.queryKey, user)
      router.history.push(localTarget(next))
    },
  })
  return (
    <Card withBorder maw={420} mx="auto" mt={48} p="xl">
      <form onSubmit={(event) => { event.preventDefault(); login.mutate() }}>
        <Stack>
          <Logo size={34} />
          <Title order={1} size="h3">Log in</Title>
          <FormError error={login.error} />
          <TextInput label="User name or e-mail" autoComplete="username" autoFocus required value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <PasswordInput label="Password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.currentTarget.value)} />
          <Button type="submit" loading={login.isPending}>Log in</Button>
          <Text size="sm">No account yet? <LinkAnchor to="/register" size="sm">Register</LinkAnchor>. Public work is open to all in the <LinkAnchor to="/marketplace" size="sm">marketplace</LinkAnchor>.</Text>
        </Stack>
      </form>
    </Card>
  )
}

/** Only addresses of this application: a foreign one would make the login page a springboard. */
export function localTarget(next: string | undefined): string {
  return next?.startsWith('/') && !next.startsWith('//') && !next.startsWith('/\\') && !next.startsWith('/login') ? next : '/'
}
