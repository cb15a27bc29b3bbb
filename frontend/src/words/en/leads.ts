// Leads and the import wizard.

export const leads = {
  title: 'Leads',
};
