// A link to a campaign's page, or to one of its tabs.
import { Anchor, type AnchorProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, ReactNode } from 'react';
import type { CampaignSearch } from './routes';

type PlainProps = AnchorProps & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps>;

const RouterAnchor = createLink((props: PlainProps) => <Anchor {...props} />);

interface Props extends PlainProps {
  id: string;
  search?: CampaignSearch;
  children: ReactNode;
  'data-testid'?: string;
}

export function CampaignLink({ id, search = {}, ...props }: Props) {
  return <RouterAnchor to="/campaigns/$campaignId" params={{ campaignId: id }} search={search} {...props} />;
}
