{
 "id": 1,
 "cmd": "profile",
 "args": {
  "name": "counter1/radial"
 }
}