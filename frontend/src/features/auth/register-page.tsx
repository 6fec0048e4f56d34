/** A new account; the server's objections stand under the fields they concern. */
import { Button, Card, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import * as forge from '@/api/forge'
import { ApiError } from '@/api/http'
import { sessionQuery } from '@/api/queries/session'
import { LinkAnchor } from '@/components/links'
import { FormError } from '@/components/states'

const BLANK = { username: '', name: '', email: '', password: '' }

export function RegisterPage() {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [account, setAccount] = useState(BLANK)
  const register = useMutation({
    mutationFn: async () => {
      await forge.register(account)
      return forge.login(account.username, account.password)
    },
    onSuccess: (user) => {
      client.clear()
      client.setQueryData(sessionQuery.queryKey, user)
      void navigate({ to: '/' })
    },
  })
  const details = register.error instanceof ApiError ? register.error.details : []
  const field = (name: keyof typeof BLANK) => ({
    value: account[name],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => setAccount({ ...account, [name]: event.currentTarget.value }),
    error: details.find((detail) => detail.field === name)?.message,
    required: true,
  })
  return (
    <Card withBorder maw={420} mx="auto" mt={48} p="xl">
      <form onSubmit={(event) => { event.preventDefault(); register.mutate() }}>
        <Stack>
          <Title order={1} size="h3">Register</Title>
          <FormError error={details.some((detail) => detail.field in BLANK) ? null : register.error} />
          <TextInput label="Name" autoComplete="name" autoFocus {...field('name')} />
          <TextInput label="User name" description="Part of the address of your projects" autoComplete="username" {...field('username')} />
          <TextInput label="E-mail" type="email" autoComplete="email" {...field('email')} />
          <PasswordInput label="Password" description="At least 8 characters" minLength={8} autoComplete="new-password" {...field('password')} />
          <Button type="submit" loading={register.isPending}>Create account</Button>
          <Text size="sm">Already registered? <LinkAnchor to="/login" size="sm">Log in</LinkAnchor></Text>
        </Stack>
      </form>
    </Card>
  )
}
