import { FileText, X } from 'lucide-react';
import { IconButton } from '@/components/ui/icon-button';
import type { Attachments } from '@/hooks/use-attachments';
import { useObjectUrl } from '@/hooks/use-object-url';
import { useSettings } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import { typeOf } from '@/lib/file-names';

/** What will be sent with the next message: one message for each file. */
export function FileTray({ attachments }: { attachments: Attachments }) {
  const { t, size } = useTexts();
  const { maxFileBytes } = useSettings();
  const { files, tooLarge, remove } = attachments;
  return (
    <>
      {tooLarge.length > 0 && (
        <p className="file-tray-problem" role="alert">
          {tooLarge.map(({ name }) => t.fileTooLarge(name, size(maxFileBytes))).join(' ')}
        </p>
      )}
      {files.length > 0 && (
        <ul className="file-tray" aria-label={t.filesToSend}>
          {files.map((file, place) => (
            <li key={`${place}:${file.name}`}>
              <Preview file={file} />
              <span className="file-card-text">
                <span className="file-card-name" dir="auto">
                  {file.name}
                </span>
                <span className="file-card-about">{size(file.size)}</span>
              </span>
              <IconButton label={t.removeFile(file.name)} onClick={() => remove(file)}>
                <X size={16} />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Preview({ file }: { file: File }) {
  const url = useObjectUrl(file);
  return (
    <span className="file-card-icon">
      {url && typeOf(file) === 'image' ? <img src={url} alt="" /> : <FileText size={20} />}
    </span>
  );
}
