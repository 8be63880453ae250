// Two soft tones, made by the Web Audio API: nothing to fetch. Browsers allow sound after a first click or key.
const QUIET = 1; // seconds after a chime without another one: several messages at once sound like one

let context: AudioContext | null = null;
let quietUntil = 0;

export function allowSound(): void {
  if (typeof AudioContext === 'undefined') {
    return;
  }
  context ??= new AudioContext();
  void context.resume().catch(() => {});
}

export function chime(): void {
  if (context?.state !== 'running' || context.currentTime < quietUntil) {
    return;
  }
  quietUntil = context.currentTime + QUIET;
  [659.3, 880].forEach((frequency, i) => {
    const start = context!.currentTime + i * 0.12;
    const tone = context!.createOscillator();
    const volume = context!.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.08, start + 0.01);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.35);
    tone.connect(volume).connect(context!.destination);
    tone.start(start);
    tone.stop(start + 0.4);
  });
}
