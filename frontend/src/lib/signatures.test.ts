import { expect, test } from 'vitest'
import { checkSignature, derToRaw, fromBase64, readKeys } from './signatures'

// Made with OpenSSL: a key that signed, another one, and an Ed25519 key with its signature.
const KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY9y4NPdADQCAflKc2ad56189K2si
QZJmJQMMtkC+rdTBKWrrRDAPqk0Wgfadl7X3R34Dqaw68G/YkUuIkYJBsw==
-----END PUBLIC KEY-----
`
const OTHER = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiKATmmHXGZajU6yq/x/jNUFhF5jb
w81vWxhhcdmRyIJ5Dxw8ce/kJmolF6I2qcVZlyM3QgVGCRh2x/uJwOBUYQ==
-----END PUBLIC KEY-----
`
const EDWARDS = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAmmk68jXQk8qoebWnyAzEWqCb9P4l6HNVzrmh9pelG6g=
-----END PUBLIC KEY-----
`
const SIGNATURE = 'MEQCIE937TfPCjgZd2vOlWMBhW9/E57fynwkmvksz8WtCKH7AiBfWt5osBN/V4VBgAVObbtV+JEFCr0JKj9WvBtQJ5OJbA=='
const EDWARDS_SIGNATURE = 'T48mN0RAURGacp7o5bCl6kTn1KQaFrw9zxwAcZoh+dnRfV11uFgLE4hCcr1jCiIV2Lpl3V7AFyWpn2+7NiLFAA=='
const DIGEST = 'sha256:' + 'a'.repeat(64)
const IMAGE = `host:1/g/p/a@${DIGEST}`
const PAYLOAD = fromBase64('eyJjcml0aWNhbCI6eyJpZGVudGl0eSI6eyJkb2NrZXItcmVmZXJlbmNlIjoiaG9zdDoxL2cvcC9hIn0sImltYWdlIjp7ImRvY2tlci1tYW5pZmVzdC1kaWdlc3QiOiJzaGEyNTY6YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYSJ9LCJ0eXBlIjoiY29zaWduIGNvbnRhaW5lciBpbWFnZSBzaWduYXR1cmUifSwib3B0aW9uYWwiOnt9fQ==')
const manifest = (signature: string, subject = DIGEST) => ({
  subject: { digest: subject },
  layers: [{ digest: 'sha256:44b0cd3cf182422ebeac0a29eb915ba8f53f5c459cfb67a0612efb5294d0ed19', annotations: { 'dev.cosignproject.cosign/signature': signature } }],
})
const good = async (...given: Parameters<typeof checkSignature>) => (await checkSignature(...given)).map((check) => check.ok)

test('a signature by the key, or by an earlier key in the list, is good', async () => {
  expect(await good(IMAGE, manifest(SIGNATURE), PAYLOAD, KEY)).toEqual([true, true, true, true, true])
  expect(await good(IMAGE, manifest(SIGNATURE), PAYLOAD, OTHER + KEY)).toEqual([true, true, true, true, true])
  expect(await good(IMAGE, manifest(EDWARDS_SIGNATURE), PAYLOAD, EDWARDS)).toEqual([true, true, true, true, true])
})

test('another key, another payload, another image and another repository are each told', async () => {
  expect(await good(IMAGE, manifest(SIGNATURE), PAYLOAD, OTHER)).toEqual([true, true, true, true, false])
  const changed = PAYLOAD.slice()
  changed[20] = 65
  expect(await good(IMAGE, manifest(SIGNATURE), changed, KEY)).toEqual([true, false, false, false, false])
  expect(await good(`host:1/g/p/a@sha256:${'b'.repeat(64)}`, manifest(SIGNATURE), PAYLOAD, KEY)).toEqual([false, true, false, true, true])
  expect(await good(`host:1/g/p/b@${DIGEST}`, manifest(SIGNATURE), PAYLOAD, KEY)).toEqual([true, true, true, false, true])
})

test('no signature at all is not good', async () => {
  expect(await good(IMAGE, manifest(''), PAYLOAD, KEY)).toEqual([true, true, true, true, false])
  expect(await good(IMAGE, { layers: [] }, PAYLOAD, KEY)).toEqual([false, false, true, true, false])
})

test('numbers in DER are filled up or lose their leading zero', () => {
  const der = Uint8Array.from([0x30, 8, 2, 2, 0, 0x80, 2, 2, 1, 2])
  const raw = derToRaw(der)
  expect([raw?.[31], raw?.[30], raw?.[62], raw?.[63]]).toEqual([0x80, 0, 1, 2])
  expect(derToRaw(Uint8Array.from([1, 2, 3]))).toBeNull()
})

test('keys are read one by one', () => {
  expect(readKeys(KEY + OTHER)).toHaveLength(2)
  expect(readKeys('nothing')).toHaveLength(0)
})
