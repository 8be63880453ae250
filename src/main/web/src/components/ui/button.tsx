import { useComponents, type ButtonProps } from '@/hooks/use-components';

const CLASSES = {
  default: 'button button-main',
  destructive: 'button button-danger',
  outline: 'button',
  ghost: 'icon-button',
  link: 'link-button',
};

/** A button of the application's own, where it has one. */
export function Button({ variant = 'outline', size = 'default', className, ...rest }: ButtonProps) {
  const { Button: Given } = useComponents();
  return Given ? (
    <Given type="button" variant={variant} size={size} className={className} {...rest} />
  ) : (
    <button type="button" className={`${CLASSES[variant]} ${className ?? ''}`.trim()} {...rest} />
  );
}
