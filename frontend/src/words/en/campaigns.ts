// Campaigns: list, editor, plan, page, report.

export const campaigns = {
  title: 'Campaigns',
};
