/** The bytes of stored files: on the disk or in a bucket, what they are, and their removal. */
@NullMarked
package com.gptdesk.chat.service.files;

import org.jspecify.annotations.NullMarked;
