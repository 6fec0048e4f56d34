/** The main column of pages that belong to no project. */
import { Container } from '@mantine/core'
import { Outlet } from '@tanstack/react-router'

export function Narrow() {
  return <Container size="lg" py="lg"><Outlet /></Container>
}
