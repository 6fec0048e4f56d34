/** Mantine's anchors, buttons and navigation entries as typed links of the router. */
import { ActionIcon, Anchor, Button, NavLink, type ActionIconProps, type AnchorProps, type ButtonProps, type NavLinkProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import { forwardRef } from 'react'

const PlainAnchor = forwardRef<HTMLAnchorElement, Omit<AnchorProps, 'href'>>((props, ref) => (
  <Anchor ref={ref} inherit={props.size === undefined} {...props} />
))
PlainAnchor.displayName = 'PlainAnchor'
export const LinkAnchor = createLink(PlainAnchor)

const PlainButton = forwardRef<HTMLAnchorElement, Omit<ButtonProps, 'href'>>((props, ref) => (
  <Button component="a" ref={ref} {...props} />
))
PlainButton.displayName = 'PlainButton'
export const LinkButton = createLink(PlainButton)

const PlainNav = forwardRef<HTMLAnchorElement, Omit<NavLinkProps, 'href'>>((props, ref) => <NavLink ref={ref} {...props} />)
PlainNav.displayName = 'PlainNav'
export const LinkNav = createLink(PlainNav)

const PlainIcon = forwardRef<HTMLAnchorElement, Omit<ActionIconProps, 'href'>>((props, ref) => (
  <ActionIcon component="a" ref={ref} {...props} />
))
PlainIcon.displayName = 'PlainIcon'
export const LinkIcon = createLink(PlainIcon)
