// Mantine's anchors and buttons as links of the router, with its types for address, parameters and search.
import { Anchor, Button, type AnchorProps, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';

type Html<Props> = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof Props> & Props & { ref?: Ref<HTMLAnchorElement> };

export const AnchorLink = createLink((props: Html<AnchorProps>) => <Anchor {...props} />);
export const ButtonLink = createLink((props: Html<ButtonProps>) => <Button component="a" {...props} />);
