// @vitest-environment jsdom
import { fireEvent, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '@/api/problem';
import type { Driver } from '@/api/types';
import { show } from '@/parts/testing';
import { AddForm } from './AddForm';

const driver = (name: string, more: Partial<Driver> = {}) => ({ name, is_default: false, unofficial: false, simulated: false, credentials: false, pairing_qr: false, ...more }) as Driver;
const simulator = driver('simulator', { is_default: true, simulated: true, pairing_qr: true });
const linked = driver('linked', { unofficial: true, pairing_qr: true });
const cloud = driver('cloud', { credentials: true });
const TOKEN = 'EAAGm0PX4ZCpsBA';

/** The server: what it answers by path, and what it was asked. */
const server = vi.hoisted(() => ({ answers: {} as Record<string, unknown>, asked: [] as unknown[] }));
vi.mock('@/api/client', () => {
  const answer = async (path: string, { body }: { body?: unknown } = {}) => {
    server.asked.push(body);
    if (server.answers[path] instanceof Error) throw server.answers[path];
    return server.answers[path];
  };
  return { api: { GET: answer, POST: answer }, ask: (call: Promise<unknown>) => call };
});

beforeEach(() => {
  const rules = [
    { name: 'device_per_hour', label: 'Per hour', value: 80 },
    { name: 'device_new_chats', label: 'New', value: 'by_age' },
  ];
  server.answers = { '/api/policy': { kinds: [{ kind: 'linked', rules }] } };
  server.asked = [];
});

describe('adding a device', () => {
  it('asks for no kind where there is one only', async () => {
    const onSubmit = vi.fn().mockResolvedValue(undefined);
    show(<AddForm drivers={[simulator]} onSubmit={onSubmit} onCancel={() => {}} />);
    expect(screen.queryByTestId('device-kind')).toBeNull();
    expect(screen.getByText(/nothing leaves this machine/)).toBeTruthy();
    await userEvent.type(screen.getByTestId('device-form-name'), 'Front desk');
    await userEvent.click(screen.getByRole('button', { name: 'Add and link' }));
    await waitFor(() => expect(onSubmit).toHaveBeenCalledWith({ name: 'Front desk', driver: 'simulator', phone: null }));
  });

  it('of a linked phone needs the terms to be read', async () => {
    const onSubmit = vi.fn().mockResolvedValue(undefined);
    show(<AddForm drivers={[simulator, linked, cloud]} onSubmit={onSubmit} onCancel={() => {}} />);
    await userEvent.type(screen.getByTestId('device-form-name'), 'Shop');
    expect(screen.queryByTestId('link-terms')).toBeNull();
    await userEvent.click(screen.getByTestId('device-kind-linked'));
    expect(screen.getByTestId('link-terms').textContent).toContain('do not allow bulk or automated messaging');
    expect(await screen.findByText('Messages per hour: 80')).toBeTruthy();
    expect(screen.getByText(/few on the first days/)).toBeTruthy();
    await userEvent.click(screen.getByTestId('device-form-submit'));
    expect(screen.getByText('Please confirm that you have read this.')).toBeTruthy();
    expect(onSubmit).not.toHaveBeenCalled();
    await userEvent.click(screen.getByTestId('link-terms-accept'));
    await userEvent.click(screen.getByTestId('device-form-submit'));
    await waitFor(() => expect(onSubmit).toHaveBeenCalledWith({ name: 'Shop', driver: 'linked', phone: null }));
  });

  it('leads from the terms to the supported way', async () => {
    show(<AddForm drivers={[simulator, linked, cloud]} onSubmit={vi.fn()} onCancel={() => {}} />);
    await userEvent.click(screen.getByTestId('device-kind-linked'));
    await userEvent.click(screen.getByTestId('link-terms-instead'));
    expect(screen.getByRole<HTMLInputElement>('radio', { name: 'Cloud API' }).getAttribute('aria-checked')).toBe('true');
    expect(screen.getByTestId('credentials-token')).toBeTruthy();
    expect(screen.queryByTestId('device-form-phone')).toBeNull();
  });

  it('of a number tries its token, hides it, and sends it once', async () => {
    server.answers['/api/devices/check-credentials'] = { phone: '60123456789', name: 'Kedai Kopi', quality: 'green', quality_words: 'Good.', tier: 2000, has_no_limit: false };
    const onSubmit = vi.fn().mockResolvedValue(undefined);
    show(<AddForm drivers={[cloud]} onSubmit={onSubmit} onCancel={() => {}} />);
    await userEvent.type(screen.getByTestId('device-form-name'), 'Shop');
    fireEvent.change(screen.getByTestId('credentials-number-id'), { target: { value: ' 106540352242922 ' } });
    const token = screen.getByTestId<HTMLInputElement>('credentials-token');
    fireEvent.change(token, { target: { value: `${TOKEN}\n` } });
    expect(token.type).toBe('password');
    await userEvent.click(screen.getByTestId('credentials-test'));
    const found = await screen.findByTestId('credentials-found');
    expect(found.textContent).toContain('Kedai Kopi · 60 12 345 6789');
    expect(found.textContent).toContain('2,000 people within 24 hours');
    expect(server.asked[0]).toEqual({ driver: 'cloud', number_id: '106540352242922', token: TOKEN, business_id: null });
    await userEvent.type(screen.getByTestId('credentials-number-id'), '1');
    expect(screen.queryByTestId('credentials-found')).toBeNull();
    await userEvent.click(screen.getByRole('button', { name: 'Add and connect' }));
    await waitFor(() => expect(onSubmit).toHaveBeenCalledOnce());
    expect(onSubmit.mock.calls[0]?.[0]).toMatchObject({ name: 'Shop', driver: 'cloud', token: TOKEN });
  });

  it('of a number says on its field what is wrong', async () => {
    const wrong = { code: 'validation', status: 422, errors: [{ field: 'token', code: 'refused_by_service', message: 'The service does not accept this token.' }] };
    server.answers['/api/devices/check-credentials'] = new Problem(wrong);
    const onSubmit = vi.fn().mockRejectedValue(new Problem({ status: 503, code: 'service_away', detail: 'WhatsApp’s service gave no usable answer.' }));
    show(<AddForm drivers={[cloud]} onSubmit={onSubmit} onCancel={() => {}} />);
    await userEvent.click(screen.getByTestId('credentials-test'));
    expect(screen.getByText('Give the phone number ID.')).toBeTruthy();
    expect(screen.getByText('Give the access token.')).toBeTruthy();
    expect(server.asked).toEqual([]);
    await userEvent.type(screen.getByTestId('device-form-name'), 'Shop');
    fireEvent.change(screen.getByTestId('credentials-number-id'), { target: { value: '106540352242922' } });
    fireEvent.change(screen.getByTestId('credentials-token'), { target: { value: 'wrong-token' } });
    await userEvent.click(screen.getByTestId('credentials-test'));
    expect(await screen.findByText('The service does not accept this token.')).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.getByTestId('credentials-token').getAttribute('aria-invalid')).toBe('true');
    await userEvent.click(screen.getByTestId('device-form-submit'));
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('no usable answer'));
    expect(screen.getByTestId<HTMLInputElement>('credentials-token').value).toBe('wrong-token');
  });
});
