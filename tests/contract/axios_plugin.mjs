// What the independent SDK `wechatpay-axios-plugin` says and does. One order as JSON on standard input, the answer as
// JSON on standard output. Orders: seal, open, verify, drive (see the functions).
import { readFileSync } from 'node:fs';
import sdk from 'wechatpay-axios-plugin';

const { Aes, Formatter, Rsa, Wechatpay } = sdk;
const SCHEME = 'WECHATPAY2-SHA256-RSA2048';

// Make notices as the platform does: {notices: [{id, event_type, payload, apiv3_key, private_key, serial, age?}]}
// -> [{headers, body}]. `age`: seconds since it was signed.
function seal({ notices }) {
  return notices.map(({ id, event_type, payload, apiv3_key, private_key, serial, age = 0 }) => {
    const iv = Formatter.nonce(12);
    const body = JSON.stringify({
      id,
      create_time: new Date().toISOString(),
      resource_type: 'encrypt-resource',
      event_type,
      summary: '投诉状态变更',
      resource: {
        original_type: 'complaint',
        algorithm: 'AEAD_AES_256_GCM',
        ciphertext: Aes.AesGcm.encrypt(JSON.stringify(payload), apiv3_key, iv, 'complaint'),
        associated_data: 'complaint',
        nonce: iv,
      },
    });
    const timestamp = String(Formatter.timestamp() - age);
    const nonce = Formatter.nonce();
    const signature = Rsa.sign(Formatter.response(timestamp, nonce, body), Rsa.from(private_key));
    return {
      headers: {
        'Content-Type': 'application/json',
        'Wechatpay-Timestamp': timestamp,
        'Wechatpay-Nonce': nonce,
        'Wechatpay-Signature': signature,
        'Wechatpay-Serial': serial,
        'Wechatpay-Signature-Type': SCHEME,
      },
      body,
    };
  });
}

// Receive notices as a merchant: {public_key, apiv3_key, notices: [{headers, body}]} -> [{verified, resource}].
function open({ public_key, apiv3_key, notices }) {
  return notices.map(({ headers, body }) => {
    const message = Formatter.response(headers['Wechatpay-Timestamp'], headers['Wechatpay-Nonce'], body);
    const verified = Rsa.verify(message, headers['Wechatpay-Signature'], Rsa.from(public_key, 'public'));
    const { ciphertext, nonce, associated_data } = JSON.parse(body).resource;
    try {
      return { verified, resource: JSON.parse(Aes.AesGcm.decrypt(ciphertext, apiv3_key, nonce, associated_data)) };
    } catch (error) {
      return { verified, resource: null };
    }
  });
}

// Judge the signatures of requests: {public_key, requests: [{method, target, authorization, signed}]} -> [bool].
function verify({ public_key, requests }) {
  const key = Rsa.from(public_key, 'public');
  return requests.map(({ method, target, authorization, signed }) => {
    if (!authorization.startsWith(`${SCHEME} `)) return false;
    const part = (name) => authorization.match(new RegExp(`[ ,]${name}="([^"]*)"`))[1];
    return Rsa.verify(Formatter.request(method, target, part('timestamp'), part('nonce_str'), signed), part('signature'), key);
  });
}

// Be a merchant at a sandbox; the SDK verifies each answer's signature by itself.
// {base_url, mchid, serial, private_key, certs, complaint_id, day} -> what the answers said.
async function drive({ base_url, mchid, serial, private_key, certs, complaint_id, day, notify_url }) {
  const client = new Wechatpay({ baseURL: base_url, mchid, serial, privateKey: private_key, certs, secret: 'x'.repeat(32) });
  const { complaintsV2, complaintNotifications } = client.v3.merchantService;
  const one = { complaint_id };
  const said = {};
  const step = async (name, call) => {
    try {
      const { status, data } = await call();
      said[name] = { status, data };
    } catch (error) {
      said[name] = { status: error.response?.status ?? 0, data: error.response?.data ?? null, code: error.code };
    }
  };
  const reply = { complainted_mchid: mchid, response_content: '您好, 已为您核实' };
  await step('list', () => complaintsV2.get({ params: { limit: 5, offset: 0, begin_date: day, end_date: day } }));
  await step('detail', () => complaintsV2._complaint_id_.get(one));
  await step('reply', () => complaintsV2._complaint_id_.response.post(reply, one));
  await step('complete', () => complaintsV2._complaint_id_.complete.post({ complainted_mchid: mchid }, one));
  await step('complete_again', () => complaintsV2._complaint_id_.complete.post({ complainted_mchid: mchid }, one));
  await step('history', () => complaintsV2._complaint_id_.negotiationHistorys.get({ ...one, params: { limit: 50, offset: 0 } }));
  await step('notify_url', () => complaintNotifications.post({ url: notify_url }));
  await step('notify_url_deleted', () => complaintNotifications.delete());
  return said;
}

const order = JSON.parse(readFileSync(0, 'utf8'));
const answer = await { seal, open, verify, drive }[order.do](order);
process.stdout.write(JSON.stringify(answer));
