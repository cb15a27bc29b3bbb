// Devices: list, QR, device page, simulator.

export const devices = {
  title: 'Devices',
};
