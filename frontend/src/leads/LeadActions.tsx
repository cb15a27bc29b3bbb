// Add, import, export: for the page's head, or above the list of one device.
import { Button, Menu } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { ChevronDown, Download, FileUp, History, UserPlus } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { useWords } from '@/words';
import { ExportModal } from './ExportModal';
import { toApi } from './filter';
import { useLeadSearch } from './useLeadSearch';

export function LeadActions({ deviceId }: { deviceId?: string }) {
  const t = useWords().leads.actions;
  const mayEdit = useMay('operator');
  const [search, change] = useLeadSearch();
  const [isExporting, setExporting] = useState(false);
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button variant="default" rightSection={<ChevronDown size={16} aria-hidden />} data-testid="leads-head-more">
            {t.more}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<Download size={16} aria-hidden />}
            onClick={() => setExporting(true)}
            data-testid="leads-head-export"
          >
            {t.export}
          </Menu.Item>
          <Menu.Item
            component={Link}
            to="/leads/imports"
            leftSection={<History size={16} aria-hidden />}
            data-testid="leads-head-imports"
          >
            {t.pastImports}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {mayEdit && (
        <>
          <Button
            component={Link}
            to="/leads/import"
            search={{ device: deviceId ?? search.device } as never}
            variant="default"
            leftSection={<FileUp size={16} aria-hidden />}
            data-testid="leads-head-import"
          >
            {t.import}
          </Button>
          <Button
            leftSection={<UserPlus size={16} aria-hidden />}
            onClick={() => void change({ lead: 'new' }, { push: true })}
            data-page-new
            data-testid="leads-head-add"
          >
            {t.add}
          </Button>
        </>
      )}
      {isExporting && <ExportModal filter={toApi(search, deviceId)} onClose={() => setExporting(false)} />}
    </>
  );
}
