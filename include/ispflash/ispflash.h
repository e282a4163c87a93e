/* The whole public interface of libispflash. */
#ifndef ISPFLASH_ISPFLASH_H
#define ISPFLASH_ISPFLASH_H

#include "bootloader.h"
#include "cache.h"
#include "context.h"
#include "error.h"
#include "event.h"
#include "format.h"
#include "image.h"
#include "part.h"
#include "session.h"

#endif
