import { decodeBlurHash } from 'fast-blurhash';
import { useLayoutEffect, useRef } from 'react';

const PIXELS = 32; // of the longer side: it has no details

/** What a picture looks like from afar, until it is there. */
export function BlurredPicture({ hash, shape }: { hash: string; shape: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = Math.max(1, Math.round(PIXELS * Math.min(1, shape)));
  const height = Math.max(1, Math.round(PIXELS / Math.max(1, shape)));
  useLayoutEffect(() => {
    try {
      const pixels = new ImageData(width, height);
      pixels.data.set(decodeBlurHash(hash, width, height));
      canvas.current?.getContext('2d')?.putImageData(pixels, 0, 0);
    } catch {
      // no hash: the room stays as it is
    }
  }, [hash, height, width]);
  return (
    <canvas ref={canvas} className="image-blur" width={width} height={height} aria-hidden="true" />
  );
}
