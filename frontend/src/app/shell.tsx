/** The frame around every page: top bar, search, colour scheme, account menu. */
import { ActionIcon, AppShell, Avatar, Button, Group, Loader, Menu, Text, TextInput, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useIsFetching } from '@tanstack/react-query'
import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { ChartNoAxesColumn, KeyRound, LogOut, Moon, Search, Store, Sun, FolderGit2 } from 'lucide-react'
import { useRef, useState } from 'react'
import { useLogout, useSession } from '@/api/queries/session'
import { LinkButton, LinkIcon } from '@/components/links'
import { Logo } from '@/components/logo'

export function Shell() {
  return (
    <AppShell header={{ height: 54 }} padding={0}>
      <a className="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById('content')?.focus() }}>
        Skip to content
      </a>
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <UnstyledButton component={Link} to="/" aria-label="MLReef: to the start">
              <Logo />
            </UnstyledButton>
            <LinkIcon to="/projects" variant="subtle" color="gray" aria-label="Projects" hiddenFrom="xs"><FolderGit2 size={18} /></LinkIcon>
            <LinkIcon to="/marketplace" variant="subtle" color="gray" aria-label="Marketplace" hiddenFrom="xs"><Store size={18} /></LinkIcon>
            <LinkButton to="/projects" variant="subtle" color="gray" size="compact-sm" leftSection={<FolderGit2 size={16} />} visibleFrom="xs">Projects</LinkButton>
            <LinkButton to="/marketplace" variant="subtle" color="gray" size="compact-sm" leftSection={<Store size={16} />} visibleFrom="xs">Marketplace</LinkButton>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Busy />
            <GlobalSearch />
            <SchemeToggle />
            <Account />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Main>
        <div id="content" tabIndex={-1} style={{ outline: 'none' }}><Outlet /></div>
      </AppShell.Main>
    </AppShell>
  )
}

function Busy() {
  const busy = useIsFetching({ predicate: (query) => query.state.data === undefined }) > 0
  return busy ? <Loader size={16} aria-label="Loading" /> : null
}

function GlobalSearch() {
  const navigate = useNavigate()
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState('')
  useHotkeys([['/', () => input.current?.focus()]])
  return (
    <search><form
      onSubmit={(event) => {
        event.preventDefault()
        void navigate({ to: '/projects', search: { tab: 'explore', search: text } })
      }}
    >
      <TextInput
        ref={input}
        size="xs"
        w={220}
        visibleFrom="sm"
        placeholder="Search projects  ( / )"
        aria-label="Search projects"
        leftSection={<Search size={14} />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
    </form></search>
  )
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const next = scheme === 'dark' ? 'light' : 'dark'
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={`Switch to ${next} colours`} onClick={() => setColorScheme(next)}>
      {scheme === 'dark' ? <Sun size={18} /> : <Moon size={18} />}
    </ActionIcon>
  )
}

function Account() {
  const session = useSession()
  const logout = useLogout()
  const navigate = useNavigate()
  const user = session.data
  if (session.isPending) return null
  if (!user) {
    return (
      <Group gap={6} wrap="nowrap">
        <LinkButton to="/login" size="compact-sm">Log in</LinkButton>
      </Group>
    )
  }
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button variant="subtle" color="gray" size="compact-sm" px={6} aria-label={`Account of ${user.username}`}>
          <Avatar size={28} radius="xl" color="reef" name={user.name} variant="filled" />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label><Text size="sm" c="var(--mantine-color-text)" fw={600}>{user.name}</Text>@{user.username}</Menu.Label>
        <Menu.Divider />
        <Menu.Item leftSection={<KeyRound size={16} />} component={Link} to="/account/tokens">Access tokens</Menu.Item>
        <Menu.Item leftSection={<ChartNoAxesColumn size={16} />} component={Link} to="/account/usage">Usage</Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<LogOut size={16} />}
          onClick={() => logout.mutate(undefined, { onSettled: () => void navigate({ to: '/login' }) })}
        >
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
