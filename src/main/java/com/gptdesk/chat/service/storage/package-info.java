/** Files over HTTP: the API of Supabase Storage, and resumable uploads by TUS 1.0. */
@NullMarked
package com.gptdesk.chat.service.storage;

import org.jspecify.annotations.NullMarked;
