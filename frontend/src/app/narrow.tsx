/** The main column of pages that belong to no project: for reading, or wide for what has a column of its own. */
import { Container } from '@mantine/core'
import { Outlet } from '@tanstack/react-router'

export function Narrow() {
  return <Container size="lg" py="lg"><Outlet /></Container>
}

export function Wide() {
  return <Container size={1360} py="lg"><Outlet /></Container>
}
